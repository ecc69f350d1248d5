//! The words of MSG.
//!
//! ```text
//! initialize [B.03.01] [without-open] [without-delivered] [without-received]
//! open NAME [create] [receive-callback] [empty] [flags=0x8] [persistent] [creation-flags=2]
//!      [sizes=10,20,30,40] [retention=3s] [no-attributes] [attributes] [timeout=10s]
//!                                  create brings attributes: 1000 bytes each, retention 3s
//! open-async 114 NAME …            as open, without timeout
//! close $q                         status NAME                    unlink NAME
//! retention-time-set $q 5s
//! send NAME DATA [priority=2] [type=1] [version=1] [sender=s] [timeout=10s]
//! send-async 308 NAME DATA … [ack] [ack-flags=2]
//! get $q 10s [room=5]
//! cancel $q
//! group-create, send-receive, …    what is not served: `other` and its name
//! ```

use super::{Names, Words, bytes_text, time_text};
use ais_types::{
    Payload, Time, Version,
    msg::{
        AckFlags, Call, Callback, Callbacks, CreationAttributes, CreationFlags, Function, Message,
        OpenFlags, PRIORITIES, Reply,
    },
};

const NEWEST: Version = Version::b(3, 1);
const USUAL: Time = Time(10 * Time::ONE_SECOND.0);

pub(super) fn initialize() -> Call {
    let callbacks = Callbacks { open: true, group_track: true, delivered: true, received: true };
    Call::Initialize { version: NEWEST, callbacks }
}

pub(super) fn call(words: &mut Words, _: &Names) -> Result<Call, String> {
    match words.next("a verb")?.as_str() {
        "initialize" => initialize_of(words),
        "open" => {
            let timeout = words.time_value("timeout")?.unwrap_or(USUAL);
            let (name, attributes, flags) = open(words)?;
            Ok(Call::Open { name, attributes, flags, timeout })
        }
        "open-async" => {
            let invocation = words.number("an invocation")?;
            let (name, attributes, flags) = open(words)?;
            Ok(Call::OpenAsync { invocation, name, attributes, flags })
        }
        "close" => Ok(Call::Close { queue: words.number("a queue handle")? }),
        "status" => Ok(Call::StatusGet { name: words.name("a queue")? }),
        "unlink" => Ok(Call::Unlink { name: words.name("a queue")? }),
        "retention-time-set" => Ok(Call::RetentionTimeSet {
            queue: words.number("a queue handle")?,
            retention: words.time("how long")?,
        }),
        "send" => {
            let timeout = words.time_value("timeout")?.unwrap_or(USUAL);
            let destination = words.name("a queue")?;
            Ok(Call::Send { destination, message: message(words)?, timeout })
        }
        "send-async" => {
            let invocation = words.number("an invocation")?;
            let mut ack = AckFlags(words.number_value("ack-flags")?.unwrap_or(0));
            if words.flag("ack") {
                ack = ack | AckFlags::DELIVERED;
            }
            let destination = words.name("a queue")?;
            Ok(Call::SendAsync { invocation, destination, message: message(words)?, ack })
        }
        "get" => {
            let room = words.number_value("room")?;
            let queue = words.number("a queue handle")?;
            Ok(Call::Get { queue, room, timeout: words.time("how long to wait")? })
        }
        "cancel" => Ok(Call::Cancel { queue: words.number("a queue handle")? }),
        "other" => other(words),
        verb => Err(format!("MSG has no {verb:?}")),
    }
}

fn initialize_of(words: &mut Words) -> Result<Call, String> {
    let callbacks = Callbacks {
        open: !words.flag("without-open"),
        group_track: true,
        delivered: !words.flag("without-delivered"),
        received: !words.flag("without-received"),
    };
    let version = words.try_next().map_or(Ok(NEWEST), |it| version(&it))?;
    Ok(Call::Initialize { version, callbacks })
}

/// `B.03.01`.
fn version(text: &str) -> Result<Version, String> {
    let wrong = || format!("{text:?} is no version");
    let parts: Vec<&str> = text.split('.').collect();
    let [release, major, minor] = parts.as_slice() else { return Err(wrong()) };
    let [release] = release.as_bytes() else { return Err(wrong()) };
    let number = |text: &str| text.parse().map_err(|_| wrong());
    Ok(Version { release: *release, major: number(major)?, minor: number(minor)? })
}

type Opening = (ais_types::Name, Option<CreationAttributes>, OpenFlags);

fn open(words: &mut Words) -> Result<Opening, String> {
    let mut flags = OpenFlags(words.number_value("flags")?.unwrap_or(0));
    for (word, flag) in [
        ("create", OpenFlags::CREATE),
        ("receive-callback", OpenFlags::RECEIVE_CALLBACK),
        ("empty", OpenFlags::EMPTY),
    ] {
        if words.flag(word) {
            flags = flags | flag;
        }
    }
    let given = words.flag("attributes") || flags.has(OpenFlags::CREATE);
    let given = given && !words.flag("no-attributes");
    let attributes = attributes(words)?;
    Ok((words.name("a queue")?, given.then_some(attributes), flags))
}

fn attributes(words: &mut Words) -> Result<CreationAttributes, String> {
    let mut flags = CreationFlags(words.number_value("creation-flags")?.unwrap_or(0));
    if words.flag("persistent") {
        flags = flags | CreationFlags::PERSISTENT;
    }
    let sizes = match words.value("sizes") {
        None => [1_000; PRIORITIES],
        Some(text) => {
            let sizes: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
            let sizes = sizes.map_err(|_| format!("{text:?} are no sizes"))?;
            sizes.try_into().map_err(|_| format!("{text:?} are not four sizes"))?
        }
    };
    let retention = words.time_value("retention")?.unwrap_or(Time(3 * Time::ONE_SECOND.0));
    Ok(CreationAttributes { flags, sizes, retention })
}

fn message(words: &mut Words) -> Result<Message, String> {
    let sender = words.value("sender").map(ais_types::Name::new).transpose();
    Ok(Message {
        kind: words.number_value("type")?.unwrap_or(1),
        version: words.number_value("version")?.unwrap_or(1),
        priority: words.number_value("priority")?.unwrap_or(2),
        sender: sender.map_err(|error| error.to_string())?,
        data: Payload::from(words.bytes("data")?),
    })
}

fn other(words: &mut Words) -> Result<Call, String> {
    let name = words.next("a function")?;
    let all = [
        ("group-create", Function::GroupCreate),
        ("group-insert", Function::GroupInsert),
        ("group-remove", Function::GroupRemove),
        ("group-delete", Function::GroupDelete),
        ("group-track", Function::GroupTrack),
        ("group-track-stop", Function::GroupTrackStop),
        ("send-receive", Function::SendReceive),
        ("reply", Function::Reply),
        ("reply-async", Function::ReplyAsync),
        ("thresholds-set", Function::ThresholdsSet),
        ("thresholds-get", Function::ThresholdsGet),
        ("metadata-size-get", Function::MetadataSizeGet),
        ("limit-get", Function::LimitGet),
    ];
    let found = all.into_iter().find(|it| it.0 == name);
    found.map(|it| Call::Other(it.1)).ok_or_else(|| format!("{name:?} is no function"))
}

/// ```text
/// OK B.03.01          ERR_VERSION B.03.01
/// OK 7                                    of open
/// OK flags=0x1 retention=3s close-time=0 0=20/1000x1 1=0/1000x0 2=… 3=…    used/size x messages
/// OK "data" priority=2 type=1 version=1 sender=s sender-id=0 sent=…
/// ERR_NO_SPACE size=20
/// ```
pub(super) fn reply(reply: &Reply, _: &Names) -> String {
    match reply {
        Reply::Initialized(version) => format!("OK {version}"),
        Reply::VersionRefused(version) => format!("ERR_VERSION {version}"),
        Reply::Opened(handle) => format!("OK {handle}"),
        Reply::Done => "OK".to_owned(),
        Reply::TooSmall(bytes) => format!("ERR_NO_SPACE size={bytes}"),
        Reply::Received(it) => format!(
            "OK {} priority={} type={} version={} sender={} sender-id={} sent={}",
            bytes_text(&it.message.data),
            it.message.priority,
            it.message.kind,
            it.message.version,
            it.message.sender.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
            it.sender_id,
            it.send_time.0,
        ),
        Reply::Status(it) => {
            let area = |(priority, usage): (usize, &ais_types::msg::Usage)| {
                format!("{priority}={}/{}x{}", usage.used, usage.size, usage.messages)
            };
            let areas: Vec<String> = it.usage.iter().enumerate().map(area).collect();
            format!(
                "OK flags={:#x} retention={} close-time={} {}",
                it.flags.0,
                time_text(it.retention),
                it.close_time.0,
                areas.join(" ")
            )
        }
        Reply::List(list) => format!("OK {} queues", list.len()),
    }
}

/// ```text
/// open 114 7          open 114 ERR_BUSY
/// delivered 308 OK    delivered 308 ERR_QUEUE_FULL
/// received 7
/// ```
pub(super) fn callback(callback: &Callback, _: &Names) -> String {
    match callback {
        Callback::Open { invocation, outcome: Ok(handle) } => format!("open {invocation} {handle}"),
        Callback::Open { invocation, outcome: Err(code) } => {
            format!("open {invocation} {}", code.short_name())
        }
        Callback::Delivered { invocation, outcome } => {
            let outcome = outcome.as_ref().map_or_else(|code| code.short_name(), |()| "OK");
            format!("delivered {invocation} {outcome}")
        }
        Callback::Received { queue } => format!("received {queue}"),
    }
}
