//! The sections of a replica against a model that is too simple to be wrong.

use ais_ckpt::{Content, Given, Mutation, Timed};
use ais_replica::Content as _;
use ais_types::{
    Time,
    ckpt::{CreationAttributes, CreationFlags, ReadElement, SectionId, WriteElement},
};
use proptest::{collection::vec, prelude::*, test_runner::Config};
use std::collections::BTreeMap;

const SIZE: usize = 60;
const MAX: u32 = 4;

fn attributes() -> CreationAttributes {
    CreationAttributes {
        creation_flags: CreationFlags::WR_ALL_REPLICAS,
        checkpoint_size: SIZE as u64,
        retention_duration: Time::BEGIN,
        max_sections: MAX,
        max_section_size: 30,
        max_section_id_size: 2,
    }
}

fn any_id() -> impl Strategy<Value = SectionId> {
    prop_oneof![Just("a"), Just("b"), Just("c"), Just("d"), Just("e")]
        .prop_map(|it| SectionId::new(it).expect("short"))
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let data = || vec(any::<u8>(), 0..25).prop_map(Into::into);
    let element = (any_id(), 0..20_u64, vec(any::<u8>(), 0..10))
        .prop_map(|(section, offset, data)| WriteElement { section, offset, data: data.into() });
    let time = || prop_oneof![Just(Time::END), (0..100_i64).prop_map(Time)];
    prop_oneof![
        3 => (any_id(), time(), data())
            .prop_map(|(section, expiration, data)| Mutation::Create { section, expiration, data }),
        1 => (time(), data()).prop_map(|(expiration, data)| Mutation::Create {
            section: SectionId::none(), expiration, data,
        }),
        2 => any_id().prop_map(|section| Mutation::Delete { section }),
        1 => (any_id(), time())
            .prop_map(|(section, expiration)| Mutation::SetExpiration { section, expiration }),
        3 => vec(element, 1..4).prop_map(|elements| Mutation::Write { elements }),
        3 => (any_id(), data()).prop_map(|(section, data)| Mutation::Overwrite { section, data }),
        1 => Just(Mutation::Expire),
    ]
}

/// Data and expiration time of each section.
#[derive(Clone, Default)]
struct Model(BTreeMap<SectionId, (Vec<u8>, Time)>);

impl Model {
    /// Does it, and then sees whether that was allowed.
    fn apply(&mut self, at: Time, mutation: &Mutation, made: Option<&SectionId>) -> bool {
        let mut after = self.clone();
        let possible = after.attempt(at, mutation, made);
        let used: usize = after.0.values().map(|it| it.0.len()).sum();
        let fits = used <= SIZE && after.0.len() <= MAX as usize;
        if possible && fits {
            *self = after;
        }
        possible && fits
    }

    fn attempt(&mut self, at: Time, mutation: &Mutation, made: Option<&SectionId>) -> bool {
        match mutation {
            Mutation::Create { section, expiration, data } => {
                let id = made.unwrap_or(section).clone();
                self.0.insert(id, (data.to_vec(), *expiration)).is_none()
            }
            Mutation::Delete { section } => self.0.remove(section).is_some(),
            Mutation::SetExpiration { section, expiration } => {
                self.0.get_mut(section).map(|it| it.1 = *expiration).is_some()
            }
            Mutation::Write { elements } => elements.iter().all(|it| self.write(it)),
            Mutation::Overwrite { section, data } => {
                self.0.get_mut(section).map(|it| it.0 = data.to_vec()).is_some()
            }
            Mutation::Expire => {
                self.0.retain(|_, it| it.1 > at);
                true
            }
            // Faults and refusals are tested by themselves.
            Mutation::Corrupt { .. } | Mutation::NoRoom { .. } => false,
        }
    }

    fn write(&mut self, element: &WriteElement) -> bool {
        let Some((data, _)) = self.0.get_mut(&element.section) else { return false };
        for (byte, at) in element.data.iter().zip(usize::try_from(element.offset).expect("small")..)
        {
            if data.len() <= at {
                data.resize(at + 1, 0);
            }
            data[at] = *byte;
        }
        true
    }
}

fn timed(at: Time, mutation: Mutation) -> Timed {
    Timed { at, by: None, mutation }
}

/// Whether it changed anything.
fn done(answer: &Result<Given, ais_types::Error>) -> bool {
    answer.as_ref().is_ok_and(|it| !matches!(it, Given::Exhausted { .. }))
}

fn content_of(content: &Content, section: &SectionId) -> Vec<u8> {
    let read = vec![ReadElement { section: section.clone(), offset: 0, size: None }];
    match content.sections().read(&read) {
        Ok(data) => data[0].to_vec(),
        other => panic!("{section}: {other:?}"),
    }
}

fn made(answer: &Result<Given, ais_types::Error>) -> Option<SectionId> {
    match answer {
        Ok(Given::Created(section)) => Some(section.clone()),
        Ok(_) | Err(_) => None,
    }
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    #[test]
    fn sections_are_as_the_model_says(mutations in vec(any_mutation(), 1..60)) {
        let mut content = Content::new(attributes(), Time::BEGIN);
        let mut model = Model::default();
        for (mutation, number) in mutations.into_iter().zip(1..) {
            let at = Time(i64::try_from(number).expect("small"));
            let answer = content.apply(number, timed(at, mutation.clone()));
            // A made-up id of a creation that failed is of no interest.
            let id = made(&answer).or_else(|| match &mutation {
                Mutation::Create { section, .. } if section.is_none() => {
                    Some(SectionId::new("zz").expect("short"))
                }
                _ => None,
            });
            prop_assert_eq!(done(&answer), model.apply(at, &mutation, id.as_ref()), "{:?}", mutation);
            let status = content.sections().status();
            prop_assert_eq!(status.number_of_sections as usize, model.0.len());
            let used: usize = model.0.values().map(|it| it.0.len()).sum();
            prop_assert_eq!(status.memory_used, used as u64);
            let next = model.0.values().map(|it| it.1).filter(|it| *it != Time::END).min();
            prop_assert_eq!(content.sections().next_expiration(), next);
            for (section, (data, _)) in &model.0 {
                prop_assert_eq!(&content_of(&content, section), data);
            }
        }
    }

    #[test]
    fn a_copy_made_during_updates_is_like_its_source(
        before in vec(any_mutation(), 0..30),
        during in vec((any::<bool>(), any_mutation()), 0..40),
        limit in 1..40_usize,
    ) {
        let mut source = Content::new(attributes(), Time::BEGIN);
        let mut copy = source.clone();
        let mut number = 0;
        for mutation in before {
            number += 1;
            let at = Time(i64::try_from(number).expect("small"));
            let _ = source.apply(number, timed(at, mutation));
        }
        copy.clear();
        let mut cursor = Default::default();
        let mut whole = false;
        for (cut, mutation) in during {
            if cut && !whole {
                match source.chunk(&mut cursor, limit) {
                    Some(chunk) => copy.absorb(chunk),
                    None => whole = true,
                }
            }
            number += 1;
            let update = timed(Time(i64::try_from(number).expect("small")), mutation);
            let answer = source.apply(number, update.clone());
            if whole {
                let same = copy.apply(number, update);
                prop_assert_eq!(&same, &answer);
            } else {
                copy.follow(number, update, &answer);
            }
        }
        while let Some(chunk) = source.chunk(&mut cursor, limit).filter(|_| !whole) {
            copy.absorb(chunk);
        }
        prop_assert_eq!(copy, source);
    }
}
