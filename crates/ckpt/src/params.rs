//! What a program may pass: everything that can be said without looking at a section.

use crate::{Limits, error::Refused};
use ais_types::{
    Error, Name, Time,
    ckpt::{CreationAttributes, OpenFlags, ReadElement, SectionId, SectionsChosen, WriteElement},
};

/// Which rules a program lives by: those of the version it asked for (§9 of the digest).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Plain names; no ACCESS on queries; negative time-outs are endless; no UNAVAILABLE.
    B01,
    /// All of them.
    B02,
}

const fn wrong(rule: &'static str) -> Refused {
    Refused::Parameter { rule }
}

/// §3.6.1.
pub(crate) fn open(
    rules: Rules,
    name: &Name,
    attributes: Option<&CreationAttributes>,
    flags: OpenFlags,
) -> Result<(), Refused> {
    named(name)?;
    if !flags.valid() {
        return Err(Refused::OpenFlags { name: name.clone(), flags: flags.0 });
    }
    match (attributes, flags.has(OpenFlags::CREATE)) {
        (None, false) => Ok(()),
        (None, true) => Err(wrong("CREATE needs creation attributes: pass them")),
        (Some(_), false) => Err(wrong("creation attributes are for CREATE only: pass none")),
        (Some(attributes), true) => {
            creation(attributes)?;
            if rules == Rules::B02 && !is_checkpoint_dn(name.as_bytes()) {
                let rule = "is created by a distinguished name that begins with safCkpt=";
                return Err(Refused::Name { name: name.clone(), rule });
            }
            Ok(())
        }
    }
}

/// A name of a checkpoint that is looked for.
pub(crate) fn named(name: &Name) -> Result<(), Refused> {
    if name.is_empty() { Err(wrong("a checkpoint's name has at least one octet")) } else { Ok(()) }
}

/// §3.4.3.
fn creation(attributes: &CreationAttributes) -> Result<(), Refused> {
    let CreationAttributes { max_sections, max_section_size, checkpoint_size, .. } = *attributes;
    let room = u128::from(max_sections) * u128::from(max_section_size);
    if !attributes.creation_flags.valid() {
        Err(wrong("creationFlags hold exactly one update option, and COLLOCATED or not"))
    } else if max_sections == 0 {
        Err(wrong("maxSections is at least 1"))
    } else if u128::from(checkpoint_size) > room {
        Err(wrong("checkpointSize is at most maxSections * maxSectionSize"))
    } else if attributes.retention_duration < Time::BEGIN {
        Err(wrong("retentionDuration is not negative"))
    } else {
        Ok(())
    }
}

/// ais-common 6.3: a distinguished name whose first part has the type `safCkpt`.
fn is_checkpoint_dn(name: &[u8]) -> bool {
    let mut parts = Parts(Some(name));
    let first = parts.next().is_some_and(|(kind, _)| kind == b"safCkpt");
    first
        && Parts(Some(name)).all(|(kind, value)| {
            let well = |octets: &[u8]| !octets.is_empty() && octets.iter().all(|it| *it >= b' ');
            well(kind) && well(value) && value.len() <= VALUE_MAX && !kind.contains(&b' ')
        })
}

/// ais-common 6.1.
const VALUE_MAX: usize = 64;

/// The parts of a distinguished name, each as type and value; an empty type: ill-formed.
struct Parts<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0?;
        let end = unescaped(rest, b',');
        self.0 = end.map(|it| &rest[it + 1..]);
        let part = &rest[..end.unwrap_or(rest.len())];
        Some(match unescaped(part, b'=') {
            Some(at) => (part[..at].trim_ascii(), part[at + 1..].trim_ascii()),
            None => (&[], part),
        })
    }
}

/// Where the first `wanted` is that no backslash precedes.
fn unescaped(octets: &[u8], wanted: u8) -> Option<usize> {
    let mut escaped = false;
    octets.iter().position(|it| {
        let found = !escaped && *it == wanted;
        escaped = !escaped && *it == b'\\';
        found
    })
}

/// How long to wait, as the rules have it: `None` is without limit (ais-common 2.1).
pub(crate) fn timeout(rules: Rules, timeout: Time) -> Result<Time, Refused> {
    match rules {
        Rules::B01 if timeout < Time::BEGIN => Ok(Time::END),
        Rules::B02 if timeout < Time::BEGIN => Err(wrong("a time-out is not negative")),
        Rules::B01 | Rules::B02 => Ok(timeout),
    }
}

/// §3.6.5.
pub(crate) fn retention(duration: Time) -> Result<(), Refused> {
    if duration < Time::BEGIN {
        return Err(wrong("a retention duration is not negative"));
    }
    Ok(())
}

/// §3.7.1.
pub(crate) fn section_create(
    attributes: &CreationAttributes,
    section: &SectionId,
    expiration: Time,
    bytes: usize,
) -> Result<(), Refused> {
    if section.as_bytes().len() as u64 > attributes.max_section_id_size {
        Err(wrong("a section id has at most maxSectionIdSize octets"))
    } else if expiration < Time::BEGIN {
        Err(wrong("an expiration time is not negative"))
    } else {
        size(attributes, bytes as u64)
    }
}

/// §3.7.3 and §3.7.4: the section is not the default section.
pub(crate) fn not_default(
    attributes: &CreationAttributes,
    section: &SectionId,
) -> Result<(), Refused> {
    if attributes.max_sections == 1 {
        Err(wrong("the default section cannot be deleted and does not expire"))
    } else if section.is_none() {
        Err(wrong("a section id has at least one octet"))
    } else {
        Ok(())
    }
}

/// §3.7.4.
pub(crate) fn expiration_set(expiration: Time, now: Time) -> Result<(), Refused> {
    if expiration < now {
        return Err(wrong("an expiration time is not in the past: delete the section"));
    }
    Ok(())
}

/// §3.7.5.
pub(crate) fn chosen(chosen: SectionsChosen, expiration: Time) -> Result<(), Refused> {
    if !chosen.valid() {
        Err(wrong("sectionsChosen is one of 1 to 5"))
    } else if expiration < Time::BEGIN {
        Err(wrong("an expiration time is not negative"))
    } else {
        Ok(())
    }
}

/// The content of one section.
pub(crate) fn size(attributes: &CreationAttributes, bytes: u64) -> Result<(), Refused> {
    if bytes > attributes.max_section_size {
        return Err(wrong("a section has at most maxSectionSize bytes"));
    }
    Ok(())
}

fn vector(length: usize) -> Result<(), Refused> {
    match length {
        0 => Err(wrong("a vector has at least one element")),
        Limits::ELEMENTS.. => {
            Err(Refused::too_many("elements of a vector", Limits::ELEMENTS, "make several calls"))
        }
        _ => Ok(()),
    }
}

/// §3.8.1. The error names the element at fault.
pub(crate) fn write(
    attributes: &CreationAttributes,
    elements: &[WriteElement],
) -> Result<(), Error> {
    vector(elements.len())?;
    for (element, index) in elements.iter().zip(0..) {
        let end = element.offset.saturating_add(element.data.len() as u64);
        size(attributes, end).map_err(|refused| Error::from(refused).at(index))?;
    }
    Ok(())
}

/// §3.8.3. The error names the element at fault.
pub(crate) fn read(attributes: &CreationAttributes, elements: &[ReadElement]) -> Result<(), Error> {
    vector(elements.len())?;
    for (element, index) in elements.iter().zip(0..) {
        let checked = match element.size {
            None => Ok(()),
            Some(0) => Err(wrong("a buffer has at least one byte")),
            Some(bytes) => size(attributes, bytes),
        };
        checked.map_err(|refused| Error::from(refused).at(index))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_types::ErrorCode;

    #[track_caller]
    fn check_name(name: &str, good: bool) {
        assert_eq!(is_checkpoint_dn(name.as_bytes()), good, "{name}");
    }

    #[test]
    fn a_checkpoints_name_is_a_dn_of_type_saf_ckpt() {
        check_name("safCkpt=t,safApp=safCkptService", true);
        check_name("safCkpt=t", true);
        check_name("safCkpt = t , safApp = a", true);
        check_name(r"safCkpt=a\,b\=c,safApp=a", true);
        check_name("csa103Ckpt", false);
        check_name("safMq=x,safApp=safCkptService", false);
        check_name("safCkpt=", false);
        check_name("safCkpt=t,", false);
        check_name("safCkpt=t,rest", false);
        check_name(r"safCkpt\=t", false);
        check_name(&alloc::format!("safCkpt={}", "x".repeat(65)), false);
    }

    #[test]
    fn negative_timeouts_are_endless_for_the_old_and_wrong_for_the_new() {
        assert_eq!(timeout(Rules::B01, Time(-1)), Ok(Time::END));
        let refused = timeout(Rules::B02, Time(-1)).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidParam);
        assert_eq!(timeout(Rules::B02, Time(5)), Ok(Time(5)));
    }
}
