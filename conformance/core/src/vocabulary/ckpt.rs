//! The words of CKPT.
//!
//! ```text
//! initialize [B.01.01] [without-open] [without-synchronize]
//! initialize [B.02.03] tracking [without-track]    (`saCkptInitialize_2`)
//! open NAME FLAGS… [ATTRIBUTES…] [timeout=10s]     FLAGS: read write create, or flags=8
//! open-async 7 NAME FLAGS… [ATTRIBUTES…]           7: the invocation
//!     ATTRIBUTES: all|active|weak [collocated] size=169 [keep=10s] sections=2 section-size=85
//!                 [id-size=3], or creation=16 for the creation flags
//! close $h         unlink NAME        keep $h 10s   (the retention duration)
//! activate $h      status $h
//! create $h ID TEXT [expires=END]     ID: text, 0x… for octets, - for the id without octets
//! delete $h ID     expire $h ID 1ns
//! iterate $h any|forever|leq|geq|corrupted|6 [TIME]    next $i    end $i
//! write $h ID OFFSET TEXT [ID OFFSET TEXT]…
//! overwrite $h ID TEXT
//! read $h ID[@OFFSET][+SIZE]…         without a size: the library allocates the buffer
//! synchronize $h [timeout=10s]        synchronize-async $h 7
//! track            track-stop         list        show NAME        observe
//! scan $h [ID]     changes $h [POSITION] [timeout=10s]      corrupt $h ID   (a fault, for tests)
//! ```

use super::{Names, Words, bytes_text, time_text, words::expand};
use ais_types::{
    Name, Time, Version,
    ckpt::{
        Call, Callback, Callbacks, Change, CheckpointDescriptor, CheckpointStatus,
        CreationAttributes, CreationFlags, Listed, OpenFlags, ReadElement, Reply,
        SectionDescriptor, SectionId, SectionState, SectionsChosen, TRACK_VERSION, WriteElement,
    },
};

const NEWEST: Version = Version::b(2, 2);
const USUAL_CALLBACKS: Callbacks = Callbacks { open: true, synchronize: true, track: false };
const USUAL_TIMEOUT: Time = Time(10 * Time::ONE_SECOND.0);

pub(super) fn initialize() -> Call {
    Call::Initialize { version: NEWEST, callbacks: USUAL_CALLBACKS }
}

pub(super) fn call(words: &mut Words, _: &Names) -> Result<Call, String> {
    let verb = words.next("a verb")?;
    match verb.as_str() {
        "initialize" => initialize_of(words),
        "open" => open(words),
        "open-async" => open_async(words),
        "unlink" => Ok(Call::Unlink { name: words.name("a name")? }),
        "next" => Ok(Call::SectionIterationNext { iteration: words.number("an iteration")? }),
        "end" => Ok(Call::SectionIterationFinalize { iteration: words.number("an iteration")? }),
        "track" => Ok(Call::Track),
        "track-stop" => Ok(Call::TrackStop),
        "list" => Ok(Call::List { after: 0 }),
        "show" => Ok(Call::Show { name: name(words)? }),
        "observe" => Ok(Call::Observe),
        _ => {
            let checkpoint = words.number("a checkpoint handle")?;
            of_checkpoint(&verb, checkpoint, words)
        }
    }
}

fn of_checkpoint(verb: &str, checkpoint: u64, words: &mut Words) -> Result<Call, String> {
    match verb {
        "close" => Ok(Call::Close { checkpoint }),
        "keep" => {
            let duration = words.time("how long")?;
            Ok(Call::RetentionDurationSet { checkpoint, duration })
        }
        "activate" => Ok(Call::ActiveReplicaSet { checkpoint }),
        "status" => Ok(Call::StatusGet { checkpoint }),
        "create" => {
            let expiration = words.time_value("expires")?.unwrap_or(Time::END);
            let section = section(words)?;
            let data = words.bytes("its content")?.into();
            Ok(Call::SectionCreate { checkpoint, section, expiration, data })
        }
        "delete" => Ok(Call::SectionDelete { checkpoint, section: section(words)? }),
        "expire" => {
            let section = section(words)?;
            let expiration = words.time("when")?;
            Ok(Call::SectionExpirationTimeSet { checkpoint, section, expiration })
        }
        "iterate" => iterate(checkpoint, words),
        "write" => write(checkpoint, words),
        "overwrite" => {
            let section = section(words)?;
            Ok(Call::Overwrite { checkpoint, section, data: words.bytes("its content")?.into() })
        }
        "read" => read(checkpoint, words),
        "synchronize" => {
            let timeout = words.time_value("timeout")?.unwrap_or(USUAL_TIMEOUT);
            Ok(Call::Synchronize { checkpoint, timeout })
        }
        "synchronize-async" => {
            Ok(Call::SynchronizeAsync { checkpoint, invocation: words.number("an invocation")? })
        }
        "scan" => {
            let after = words.try_next().map(|it| section_of(&it)).transpose()?;
            Ok(Call::Scan { checkpoint, after })
        }
        "changes" => {
            let timeout = words.time_value("timeout")?.unwrap_or(USUAL_TIMEOUT);
            let position = |it: String| it.parse().map_err(|error| format!("{it:?}: {error}"));
            let after = words.try_next().map(position).transpose()?;
            Ok(Call::Changes { checkpoint, after, timeout })
        }
        "corrupt" => Ok(Call::Corrupt { checkpoint, section: section(words)? }),
        other => Err(format!("CKPT has no {other:?}")),
    }
}

fn initialize_of(words: &mut Words) -> Result<Call, String> {
    let open = !words.flag("without-open");
    let synchronize = !words.flag("without-synchronize");
    let (tracking, track) = (words.flag("tracking"), !words.flag("without-track"));
    let newest = if tracking { TRACK_VERSION } else { NEWEST };
    let version = words.try_next().map_or(Ok(newest), |it| version(&it))?;
    let callbacks = Callbacks { open, synchronize, track: tracking && track };
    Ok(match tracking {
        true => Call::InitializeTracking { version, callbacks },
        false => Call::Initialize { version, callbacks },
    })
}

/// `B.02.02`.
fn version(text: &str) -> Result<Version, String> {
    let wrong = || format!("{text:?} is no version");
    let parts: Vec<&str> = text.split('.').collect();
    let [release, major, minor] = parts.as_slice() else { return Err(wrong()) };
    let [release] = release.as_bytes() else { return Err(wrong()) };
    let number = |text: &str| text.parse().map_err(|_| wrong());
    Ok(Version { release: *release, major: number(major)?, minor: number(minor)? })
}

fn open(words: &mut Words) -> Result<Call, String> {
    let timeout = words.time_value("timeout")?.unwrap_or(USUAL_TIMEOUT);
    let (flags, attributes) = (open_flags(words)?, attributes(words)?);
    Ok(Call::Open { name: name(words)?, attributes, flags, timeout })
}

fn open_async(words: &mut Words) -> Result<Call, String> {
    let (flags, attributes) = (open_flags(words)?, attributes(words)?);
    let invocation = words.number("an invocation")?;
    Ok(Call::OpenAsync { invocation, name: name(words)?, attributes, flags })
}

fn name(words: &mut Words) -> Result<Name, String> {
    words.name("a name")
}

fn open_flags(words: &mut Words) -> Result<OpenFlags, String> {
    let mut flags = OpenFlags(words.number_value("flags")?.unwrap_or(0));
    for (word, flag) in
        [("read", OpenFlags::READ), ("write", OpenFlags::WRITE), ("create", OpenFlags::CREATE)]
    {
        if words.flag(word) {
            flags = flags | flag;
        }
    }
    Ok(flags)
}

/// Attributes, if there is a word about any.
fn attributes(words: &mut Words) -> Result<Option<CreationAttributes>, String> {
    let given: Option<u32> = words.number_value("creation")?;
    let mut flags = CreationFlags(given.unwrap_or(0));
    for (word, flag) in [
        ("all", CreationFlags::WR_ALL_REPLICAS),
        ("active", CreationFlags::WR_ACTIVE_REPLICA),
        ("weak", CreationFlags::WR_ACTIVE_REPLICA_WEAK),
        ("collocated", CreationFlags::COLLOCATED),
    ] {
        if words.flag(word) {
            flags = flags | flag;
        }
    }
    let size = words.number_value("size")?;
    if given.is_none() && flags.0 == 0 && size.is_none() {
        return Ok(None);
    }
    Ok(Some(CreationAttributes {
        creation_flags: flags,
        checkpoint_size: size.unwrap_or(0),
        retention_duration: words.time_value("keep")?.unwrap_or(Time::BEGIN),
        max_sections: words.number_value("sections")?.unwrap_or(1),
        max_section_size: words.number_value("section-size")?.unwrap_or(0),
        max_section_id_size: words.number_value("id-size")?.unwrap_or(3),
    }))
}

fn section(words: &mut Words) -> Result<SectionId, String> {
    section_of(&words.next("a section")?)
}

fn section_of(word: &str) -> Result<SectionId, String> {
    let octets = match (word, word.strip_prefix("0x")) {
        ("-", _) => Vec::new(),
        (_, Some(digits)) => octets(digits).ok_or_else(|| format!("{word:?} are no octets"))?,
        (text, None) => expand(text.trim_matches('"')),
    };
    SectionId::new(octets).map_err(|error| error.to_string())
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

fn iterate(checkpoint: u64, words: &mut Words) -> Result<Call, String> {
    let word = words.next("which sections")?;
    let chosen = match word.as_str() {
        "forever" => SectionsChosen::FOREVER,
        "leq" => SectionsChosen::LEQ_EXPIRATION_TIME,
        "geq" => SectionsChosen::GEQ_EXPIRATION_TIME,
        "corrupted" => SectionsChosen::CORRUPTED,
        "any" => SectionsChosen::ANY,
        number => SectionsChosen(number.parse().map_err(|_| format!("{number:?}: of which?"))?),
    };
    let expiration = words.time_value("time")?.unwrap_or(Time::BEGIN);
    Ok(Call::SectionIterationInitialize { checkpoint, chosen, expiration })
}

fn write(checkpoint: u64, words: &mut Words) -> Result<Call, String> {
    let mut elements = Vec::new();
    while let Some(word) = words.try_next() {
        elements.push(WriteElement {
            section: section_of(&word)?,
            offset: words.number("an offset")?,
            data: words.bytes("what to write")?.into(),
        });
    }
    Ok(Call::Write { checkpoint, elements })
}

fn read(checkpoint: u64, words: &mut Words) -> Result<Call, String> {
    let mut elements = Vec::new();
    while let Some(word) = words.try_next() {
        let number = |it: &str| it.parse().map_err(|_| format!("{word:?}: {it:?} is no number"));
        let (rest, size) = word.split_once('+').map_or((&*word, None), |(a, b)| (a, Some(b)));
        let (section, offset) = rest.split_once('@').unwrap_or((rest, "0"));
        elements.push(ReadElement {
            section: section_of(section)?,
            offset: number(offset)?,
            size: size.map(number).transpose()?,
        });
    }
    Ok(Call::Read { checkpoint, elements })
}

/// ```text
/// OK B.02.02
/// OK 3                            a checkpoint or iteration handle
/// OK sections=1 used=13 flags=0x9 size=169 keep=10s max=2 section-size=85 id-size=3
/// OK 11                           the section created: text, or 0x… if its octets are no text
/// OK 11 size=5 valid expires=END updated=…
/// OK "AABB" ""                    what was read, an element each
/// OK safCkpt=t users=1 replicas=2 …
/// OK at=3.120 11="AABB" end       sections and their content
/// OK at=3.121 11@0="AA" 11="BB" 12- 13+="new"   written, overwritten, deleted (or expired), created
/// ```
pub(super) fn reply(reply: &Reply, _: &Names) -> String {
    match reply {
        Reply::Initialized(version) => format!("OK {version}"),
        Reply::Opened(handle) | Reply::IterationStarted(handle) => format!("OK {handle}"),
        Reply::Done => "OK".to_owned(),
        Reply::Status(status) => format!("OK {}", status_text(status)),
        Reply::SectionCreated(section) => format!("OK {}", section_text(section)),
        Reply::Section(it) => format!("OK {}", descriptor_text(it)),
        Reply::Read(data) => {
            data.iter().fold("OK".to_owned(), |text, it| format!("{text} {}", bytes_text(it)))
        }
        Reply::List(list) => {
            let listed: Vec<String> = list.iter().map(listed_text).collect();
            format!("OK {}", listed.join(", ")).trim_end().to_owned()
        }
        Reply::Shown(shown) => {
            let listed: Vec<String> = shown.iter().map(|it| listed_text(&it.listed)).collect();
            format!("OK {}", listed.join(", "))
        }
        Reply::Counters(_) => "OK".to_owned(),
        Reply::Scanned(it) => {
            let sections = it.sections.iter().fold(String::new(), |text, (it, data)| {
                format!("{text} {}={}", section_text(&it.section), bytes_text(data))
            });
            format!("OK at={}{sections}{}", it.position, if it.end { " end" } else { "" })
        }
        Reply::Changes(it) => {
            let lost = if it.lost { " lost" } else { "" };
            let changes = it.sets.iter().flat_map(|it| &it.changes).map(change_text);
            changes.fold(format!("OK at={}{lost}", it.position), |text, it| format!("{text} {it}"))
        }
    }
}

fn status_text(it: &CheckpointDescriptor) -> String {
    let CreationAttributes {
        creation_flags,
        checkpoint_size,
        retention_duration,
        max_sections,
        max_section_size,
        max_section_id_size,
    } = it.attributes;
    format!(
        "sections={} used={} flags={:#x} size={checkpoint_size} keep={} max={max_sections} \
         section-size={max_section_size} id-size={max_section_id_size}",
        it.number_of_sections,
        it.memory_used,
        creation_flags.0,
        time_text(retention_duration),
    )
}

fn change_text(change: &Change) -> String {
    let id = section_text(change.section());
    match change {
        Change::Created { data, .. } => format!("{id}+={}", bytes_text(data)),
        Change::Written { offset, data, .. } => format!("{id}@{offset}={}", bytes_text(data)),
        Change::Overwritten { data, .. } => format!("{id}={}", bytes_text(data)),
        Change::Deleted { .. } | Change::Expired { .. } => format!("{id}-"),
        Change::ExpirationSet { expiration, .. } => format!("{id}!{expiration}"),
        Change::Corrupted { .. } => format!("{id}?"),
    }
}

fn section_text(section: &SectionId) -> String {
    if section.is_none() { "-".to_owned() } else { bytes_text(section.as_bytes()).replace('"', "") }
}

fn descriptor_text(it: &SectionDescriptor) -> String {
    let state = match it.state {
        SectionState::Valid => "valid",
        SectionState::Corrupted => "corrupted",
    };
    format!(
        "{} size={} {state} expires={} updated={}",
        section_text(&it.section),
        it.size,
        it.expiration,
        it.last_update.0
    )
}

fn listed_text(it: &Listed) -> String {
    format!("{} users={} replicas={}", it.name, it.users, it.replicas.len())
}

/// ```text
/// open 7 OK 3                     open 7 ERR_NOT_EXIST
/// synchronize 9 OK                synchronize 9 ERR_NOT_EXIST
/// track 3 11@0+5 21@0+13          section, offset and size of each element
/// notification safCkpt=t exhausted     or available
/// ```
pub(super) fn callback(callback: &Callback, _: &Names) -> String {
    match callback {
        Callback::Open { invocation, outcome: Ok(handle) } => {
            format!("open {invocation} OK {handle}")
        }
        Callback::Open { invocation, outcome: Err(code) } => {
            format!("open {invocation} {}", code.short_name())
        }
        Callback::Synchronize { invocation, outcome: Ok(()), .. } => {
            format!("synchronize {invocation} OK")
        }
        Callback::Synchronize { invocation, outcome: Err(code), .. } => {
            format!("synchronize {invocation} {}", code.short_name())
        }
        Callback::Notification(it) => {
            let status = match it.status {
                CheckpointStatus::SectionResourcesExhausted => "exhausted",
                CheckpointStatus::SectionResourcesAvailable => "available",
            };
            format!("notification {} {status}", it.name)
        }
        Callback::Track { checkpoint, elements } => {
            elements.iter().fold(format!("track {checkpoint}"), |text, it| {
                format!("{text} {}@{}+{}", section_text(&it.section), it.offset, it.size)
            })
        }
    }
}
