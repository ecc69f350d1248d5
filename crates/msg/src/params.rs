//! What is wrong with a call before anything is looked up.

use crate::{Limits, client::Client, error::Refused};
use ais_types::{
    Name, Time,
    msg::{AckFlags, CreationAttributes, Message, OpenFlags, PRIORITIES},
};

type Checked = Result<(), Refused>;

/// msg.md 4.1, in its order: parameters, flags, callbacks, limits.
pub(crate) fn open(
    client: &Client,
    name: &Name,
    attributes: Option<&CreationAttributes>,
    flags: OpenFlags,
) -> Checked {
    named(name)?;
    match (attributes, flags.has(OpenFlags::CREATE)) {
        (None, true) => return Err(Refused::Parameter("CREATE needs creation attributes")),
        (Some(_), false) => return Err(Refused::Parameter("attributes are for CREATE only")),
        (Some(it), true) if it.retention.0 < 0 => {
            return Err(Refused::Parameter("the retention time is negative"));
        }
        (Some(_), true) if !client.is_first() && !name.as_bytes().starts_with(b"safMq=") => {
            let rule = "a queue's name begins with safMq=";
            return Err(Refused::Name { name: name.clone(), rule });
        }
        (Some(_), true) | (None, false) => {}
    }
    if !flags.valid() {
        return Err(Refused::Flags { what: "open", flags: flags.0 });
    }
    if let Some(it) = attributes.filter(|it| !it.flags.valid()) {
        return Err(Refused::Flags { what: "creation", flags: it.flags.0 });
    }
    if flags.has(OpenFlags::RECEIVE_CALLBACK) && !client.callbacks.received {
        return Err(Refused::NoCallback("message received"));
    }
    match attributes {
        Some(it) if client.major >= 3 => sizes(name, it),
        Some(_) | None => Ok(()),
    }
}

fn sizes(name: &Name, attributes: &CreationAttributes) -> Checked {
    let sum = attributes.sizes.iter().try_fold(0_u64, |sum, it| sum.checked_add(*it));
    let rule = if attributes.sizes.iter().any(|it| *it > Limits::AREA) {
        "a priority area may have 16 MiB"
    } else if sum.is_none_or(|it| it > Limits::QUEUE) {
        "a queue may have 64 MiB"
    } else {
        return Ok(());
    };
    Err(Refused::TooBig { name: name.clone(), rule })
}

pub(crate) fn named(name: &Name) -> Checked {
    if name.is_empty() { Err(Refused::Parameter("the name is empty")) } else { Ok(()) }
}

/// A time-out as this program means it (seeds A3: below 0 is without limit for B.01).
pub(crate) fn timeout(client: &Client, timeout: Time) -> Result<Time, Refused> {
    match timeout.0 {
        0.. => Ok(timeout),
        _ if client.is_first() => Ok(Time::END),
        _ => Err(Refused::Parameter("the time-out is negative")),
    }
}

/// msg.md 6.2.
pub(crate) fn send(client: &Client, destination: &Name, message: &Message) -> Checked {
    named(destination)?;
    if usize::from(message.priority) >= PRIORITIES {
        return Err(Refused::Parameter("priorities are 0 to 3"));
    }
    if message.data.len() as u64 > Limits::MESSAGE {
        let name = destination.clone();
        return Err(if client.major >= 3 {
            Refused::TooBig { name, rule: "a message may have 256 KiB" }
        } else {
            Refused::Full { name, priority: message.priority }
        });
    }
    Ok(())
}

pub(crate) fn ack(client: &Client, ack: AckFlags) -> Checked {
    if !ack.valid() {
        Err(Refused::Flags { what: "acknowledgement", flags: ack.0 })
    } else if ack.has(AckFlags::DELIVERED) && !client.callbacks.delivered {
        Err(Refused::NoCallback("message delivered"))
    } else {
        Ok(())
    }
}

pub(crate) const fn retention(retention: Time) -> Checked {
    if retention.0 < 0 { Err(Refused::Parameter("the retention time is negative")) } else { Ok(()) }
}
