//! `ais ckpt`: what operators see of checkpoints, and do with them.

use crate::{
    Failure,
    args::Ckpt as Command,
    ask,
    show::{Done, Show, show, table},
};
use ais_client::{Ckpt, Endpoint, Session, Wait};
use ais_types::{
    Error, ErrorCode, Name, Outcome, Payload, Position, Time, Version,
    ckpt::{
        Callback, Callbacks, Change, CheckpointStatus, Counters, Follower, OpenFlags, ReadElement,
        SectionDescriptor, SectionId, SectionState, Shown,
    },
};
use serde::Serialize;
use std::{
    io::{Read, Write},
    thread,
    time::Duration,
};

const PROGRAM: &str = "ais";

/// How often the filling of a replica is looked at.
const TICK: Duration = Duration::from_millis(500);

/// How long one question about changes waits; then it is asked again.
const PATIENCE: Time = Time(60 * Time::ONE_SECOND.0);

pub(crate) fn run(command: Command, at: &Endpoint, json: bool) -> Result<(), Failure> {
    match command {
        Command::List => show(&ask::checkpoints(at)?, json),
        Command::Show { name } => show(&shown(at, &name)?, json),
        Command::Replicas { name, wait } => return replicas(at, &name, wait, json),
        Command::Sections { name } => show(&sections(at, &name)?, json),
        Command::Read { name, section } => {
            let data = read(at, &name, &section)?;
            std::io::stdout().write_all(&data).map_err(Failure::at("standard output"))?;
        }
        Command::Write { name, section, data } => {
            let data = match data {
                Some(text) => text.into_bytes(),
                None => read_all()?,
            };
            let bytes = data.len();
            write(at, &name, &section, data)?;
            show(&Done { done: format!("{bytes} bytes are in section {section} of {name}") }, json);
        }
        Command::Unlink { name } => {
            initialize(at)?.unlink(checkpoint_name(&name)?)?;
            show(&Done { done: format!("{name} is unlinked") }, json);
        }
        Command::Watch { name: None, .. } => return notifications(at, json),
        Command::Watch { name: Some(name), from } => return watch(at, &name, from, json),
        Command::Counters => show(&Ckpt::<Session>::observe(at, PROGRAM)?.counters()?, json),
    }
    Ok(())
}

fn read_all() -> Result<Vec<u8>, Failure> {
    let mut data = Vec::new();
    std::io::stdin().read_to_end(&mut data).map_err(Failure::at("standard input"))?;
    Ok(data)
}

fn initialize(at: &Endpoint) -> Outcome<Ckpt<Session>> {
    Ckpt::<Session>::initialize(at, Version::b(2, 2), Callbacks::default(), PROGRAM)
}

fn checkpoint_name(text: &str) -> Outcome<Name> {
    ask::name(text)
}

/// An id as [`SectionRow`] prints it: text, `0x…` for octets, `-` for the default section.
fn section_id(text: &str) -> Outcome<SectionId> {
    let octets = match (text, text.strip_prefix("0x")) {
        ("-", _) => Some(Vec::new()),
        (_, Some(digits)) => octets(digits),
        (text, None) => Some(text.as_bytes().to_vec()),
    };
    let id = octets.and_then(|it| SectionId::new(it).ok());
    id.ok_or_else(|| {
        let text = format!("{text:?} is no section id: use text, 0x and pairs of digits, or -");
        Error::new(ErrorCode::InvalidParam, text)
    })
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

fn section_text(section: &SectionId) -> String {
    let bytes = section.as_bytes();
    match std::str::from_utf8(bytes) {
        _ if bytes.is_empty() => "-".to_owned(),
        Ok(text) if !text.contains(char::is_control) && !text.starts_with("0x") => text.to_owned(),
        _ => bytes.iter().fold("0x".to_owned(), |text, it| format!("{text}{it:02x}")),
    }
}

/// Opens what is there. A collocated checkpoint gets a replica on the node that is asked, as with
/// any program.
fn open(at: &Endpoint, name: &str, flags: OpenFlags) -> Outcome<(Ckpt<Session>, u64)> {
    let ckpt = initialize(at)?;
    let handle = ckpt.open(checkpoint_name(name)?, None, flags, Time(10 * Time::ONE_SECOND.0))?;
    Ok((ckpt, handle))
}

fn shown(at: &Endpoint, name: &str) -> Outcome<Vec<Shown>> {
    Ckpt::<Session>::observe(at, PROGRAM)?.show(checkpoint_name(name)?)
}

#[expect(clippy::disallowed_methods, reason = "an operator watches; there is no event to wait for")]
fn rest() {
    thread::sleep(TICK);
}

/// With `wait` a line whenever something has moved, until every replica has everything.
fn replicas(at: &Endpoint, name: &str, wait: bool, json: bool) -> Result<(), Failure> {
    let mut before = Vec::new();
    loop {
        let all: Vec<Replicas> = shown(at, name)?.into_iter().map(Replicas::of).collect();
        let whole = all.iter().all(|it| it.replicas.iter().all(|it| it.complete));
        if all != before {
            all.iter().for_each(|it| show(it, json));
        }
        if !wait || whole {
            return Ok(());
        }
        before = all;
        rest();
    }
}

#[derive(PartialEq, Serialize)]
struct Replicas {
    name: String,
    replicas: Vec<Replica>,
}

#[derive(PartialEq, Serialize)]
struct Replica {
    member: String,
    active: bool,
    complete: bool,
    behind: Option<u64>,
    transferred: Option<(u64, u64)>,
}

impl Replicas {
    fn of(it: Shown) -> Self {
        let followers: &[Follower] = it.progress.as_ref().map_or(&[], |it| &it.followers);
        let replicas = it.listed.replicas.iter().map(|replica| {
            let follower = followers.iter().find(|it| it.member == replica.member);
            Replica {
                member: replica.member.to_string(),
                active: replica.active,
                complete: replica.complete,
                behind: follower.map(|it| it.behind),
                transferred: follower
                    .and_then(|it| it.transfer)
                    .filter(|_| !replica.complete)
                    .map(|it| (it.arrived, it.total)),
            }
        });
        Self { name: it.listed.name.to_string(), replicas: replicas.collect() }
    }
}

impl Show for Replicas {
    fn lines(&self) -> String {
        let rows = self.replicas.iter().map(|it| {
            let state = match (it.active, it.complete) {
                (true, _) => "active".to_owned(),
                (false, true) => "complete".to_owned(),
                (false, false) => match it.transferred {
                    Some((arrived, total)) => {
                        let percent = arrived.saturating_mul(100) / total.max(1);
                        format!("filling, {percent} % ({arrived} of about {total} bytes)")
                    }
                    None => "filling".to_owned(),
                },
            };
            let behind = match it.behind {
                Some(0) | None => String::new(),
                Some(behind) => format!("{behind} updates behind"),
            };
            vec![it.member.clone(), state, behind]
        });
        format!("{}\n{}", self.name, table(rows.collect()))
    }
}

impl Show for Vec<Shown> {
    fn lines(&self) -> String {
        self.iter().map(one_shown).collect()
    }
}

fn one_shown(it: &Shown) -> String {
    let listed = &it.listed;
    let attributes = &listed.attributes;
    let flags = attributes.creation_flags;
    let option = if flags.synchronous() {
        "WR_ALL_REPLICAS"
    } else if flags.weak() {
        "WR_ACTIVE_REPLICA_WEAK"
    } else {
        "WR_ACTIVE_REPLICA"
    };
    let placed = if flags.collocated() { "collocated" } else { "placed by the service" };
    let state = match (listed.unlinked, listed.users) {
        (true, _) => "unlinked",
        (false, 0) => "retained",
        (false, _) => "open",
    };
    let users =
        format!("{} ({} readers, {} writers)", listed.users, listed.readers, listed.writers);
    let mut rows = vec![
        ["name", &listed.name.to_string()].map(str::to_owned).to_vec(),
        vec!["state".to_owned(), format!("{state}, number {}", listed.id)],
        vec!["updates".to_owned(), format!("{option}, {placed}")],
        vec!["users".to_owned(), users],
        vec!["retention".to_owned(), attributes.retention_duration.to_string()],
        vec![
            "limits".to_owned(),
            format!(
                "{} bytes, {} sections of {} bytes, ids of {} octets",
                attributes.checkpoint_size,
                attributes.max_sections,
                attributes.max_section_size,
                attributes.max_section_id_size
            ),
        ],
    ];
    let content = it.progress.as_ref().map(|it| it.content).or(listed.content);
    if let Some(content) = content {
        let corrupted = it.progress.as_ref().map_or(0, |it| it.corrupted);
        let text = format!(
            "{} sections, {} bytes, {corrupted} sections corrupted",
            content.number_of_sections, content.memory_used
        );
        rows.push(vec!["content".to_owned(), text]);
    }
    if let Some(progress) = &it.progress {
        rows.push(vec!["position".to_owned(), progress.position.to_string()]);
    }
    format!("{}{}\n", table(rows), Replicas::of(it.clone()).lines())
}

/// A section, and where it is listed.
#[derive(Serialize)]
struct SectionRow {
    section: String,
    size: u64,
    corrupted: bool,
    expires: Time,
    updated: Time,
}

impl SectionRow {
    fn of(it: &SectionDescriptor) -> Self {
        Self {
            section: section_text(&it.section),
            size: it.size,
            corrupted: it.state == SectionState::Corrupted,
            expires: it.expiration,
            updated: it.last_update,
        }
    }
}

impl Show for Vec<SectionRow> {
    fn lines(&self) -> String {
        let rows = self.iter().map(|it| {
            let state = if it.corrupted { "corrupted" } else { "" };
            let expires = format!("expires {}", it.expires);
            vec![it.section.clone(), format!("{} bytes", it.size), expires, state.to_owned()]
        });
        table(rows.collect())
    }
}

fn sections(at: &Endpoint, name: &str) -> Outcome<Vec<SectionRow>> {
    let (ckpt, handle) = open(at, name, OpenFlags::READ)?;
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = ckpt.scan(handle, after)?;
        rows.extend(page.sections.iter().map(|(it, _)| SectionRow::of(it)));
        after = page.sections.last().map(|(it, _)| it.section.clone());
        if page.end {
            return Ok(rows);
        }
    }
}

fn read(at: &Endpoint, name: &str, section: &str) -> Outcome<Payload> {
    let (ckpt, handle) = open(at, name, OpenFlags::READ)?;
    let element = ReadElement { section: section_id(section)?, offset: 0, size: None };
    Ok(ckpt.read(handle, vec![element])?.pop().unwrap_or_default())
}

/// Overwrites a section, or creates it.
fn write(at: &Endpoint, name: &str, section: &str, data: Vec<u8>) -> Outcome<()> {
    let (ckpt, handle) = open(at, name, OpenFlags::WRITE)?;
    let section = section_id(section)?;
    match ckpt.overwrite(handle, section.clone(), data.clone()) {
        Err(error) if error.code == ErrorCode::NotExist => {
            ckpt.section_create(handle, section, Time::END, data).map(|_| ())
        }
        other => other,
    }
}

/// One line of a watch.
#[derive(Serialize)]
struct Line {
    position: Option<String>,
    text: String,
}

impl Show for Line {
    fn lines(&self) -> String {
        format!("{}  {}\n", self.position.as_deref().unwrap_or("-"), self.text)
    }
}

/// Tells what is changed, until somebody ends it.
fn watch(at: &Endpoint, name: &str, from: Option<Position>, json: bool) -> Result<(), Failure> {
    let (ckpt, handle) = open(at, name, OpenFlags::READ)?;
    let mut place = match from {
        Some(place) => place,
        None => ckpt.changes(handle, None, PATIENCE)?.position,
    };
    let say = |position: Position, text| {
        show(&Line { position: Some(position.to_string()), text }, json);
    };
    say(place, format!("watching {name}"));
    loop {
        let changes = match ckpt.changes(handle, place, PATIENCE) {
            Err(error) if matches!(error.code, ErrorCode::Timeout | ErrorCode::TryAgain) => {
                continue;
            }
            other => other?,
        };
        if changes.lost {
            say(changes.position, format!("what came after {place} is not known any more"));
        }
        place = changes.position;
        for set in changes.sets {
            set.changes.iter().for_each(|it| say(set.position, change_text(it)));
        }
    }
}

fn change_text(change: &Change) -> String {
    let section = section_text(change.section());
    match change {
        Change::Created { data, .. } => format!("{section} created, {} bytes", data.len()),
        Change::Written { offset, data, .. } => {
            format!("{section} written, {} bytes at {offset}", data.len())
        }
        Change::Overwritten { data, .. } => format!("{section} overwritten, {} bytes", data.len()),
        Change::Deleted { .. } => format!("{section} deleted"),
        Change::Expired { .. } => format!("{section} expired"),
        Change::ExpirationSet { expiration, .. } => format!("{section} expires {expiration}"),
        Change::Corrupted { .. } => format!("{section} corrupted"),
    }
}

/// Tells what the service notifies, until somebody ends it.
fn notifications(at: &Endpoint, json: bool) -> Result<(), Failure> {
    let ckpt = Ckpt::<Session>::observe(at, PROGRAM)?;
    ckpt.observe_notifications()?;
    loop {
        if let Some(Callback::Notification(it)) = ckpt.next_callback(Wait::Forever)? {
            let status = match it.status {
                CheckpointStatus::SectionResourcesExhausted => "all sections are in use",
                CheckpointStatus::SectionResourcesAvailable => "sections are available again",
            };
            show(&Line { position: None, text: format!("{}: {status}", it.name) }, json);
        }
    }
}

impl Show for Counters {
    fn lines(&self) -> String {
        let row = |name: &str, number: u64| vec![name.to_owned(), number.to_string()];
        table(vec![
            row("writes", self.writes),
            row("bytes written", self.bytes_written),
            row("reads", self.reads),
            row("bytes read", self.bytes_read),
            row("refused: no memory", self.refused_memory),
            row("refused: too much under way", self.refused_busy),
            row("transfers begun", self.transfers_begun),
            row("transfers done", self.transfers_done),
            row("transfers stalled", self.transfers_stalled),
            row("replicas resumed", self.resumed),
            row("replicas lagging", self.lagging),
            row("replicas here", self.replicas),
            row("memory", self.memory),
            row("memory allowed", self.memory_max),
            row("sessions", self.sessions),
            row("calls waiting", self.waiting),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_printed() {
        for octets in [&b""[..], b"11", b"\x00\xff", b"0x41", "ä".as_bytes()] {
            let id = SectionId::new(octets).expect("short");
            assert_eq!(section_id(&section_text(&id)), Ok(id));
        }
        assert!(section_id("0x4").is_err());
    }
}
