//! What the log makes of a configuration.

use ais_replica::{Configuration, Succession};
use ais_types::{Incarnation, MemberId, NodeId};

fn member(node: u32) -> MemberId {
    MemberId { node: NodeId(node), incarnation: Incarnation(1) }
}

fn three(succession: Succession) -> Configuration {
    Configuration::new(Some(member(1)), [member(1), member(2), member(3)], succession)
}

fn lose(config: &mut Configuration, node: u32) {
    config.left(member(node));
    config.released(member(node));
}

#[test]
fn a_lost_primary_is_followed_only_when_it_is_released() {
    let mut config = three(Succession::Automatic);
    config.left(member(1));
    assert_eq!((config.primary(), config.epoch()), (Some(member(1)), 1));
    config.released(member(1));
    assert_eq!((config.primary(), config.is_sealing()), (None, true));
}

#[test]
fn the_survivor_that_has_most_goes_on() {
    let mut config = three(Succession::Automatic);
    lose(&mut config, 1);
    assert!(config.sealed(2, member(2), 7));
    assert_eq!(config.primary(), None);
    assert!(config.sealed(2, member(3), 9));
    assert_eq!(config.primary(), Some(member(3)));
    assert!(config.is_complete(member(2)));
}

#[test]
fn a_single_survivor_need_not_seal() {
    let mut config = three(Succession::Automatic);
    lose(&mut config, 3);
    lose(&mut config, 1);
    assert_eq!(config.primary(), Some(member(2)));
}

#[test]
fn a_filling_member_never_follows() {
    let mut config = Configuration::new(Some(member(1)), [], Succession::Automatic);
    config.join(member(2));
    lose(&mut config, 1);
    assert!(config.is_lost());
    assert_eq!(config.primary(), None);
}

#[test]
fn a_seal_or_a_completion_of_an_older_epoch_does_not_count() {
    let mut config = three(Succession::Automatic);
    config.join(member(4));
    lose(&mut config, 1);
    assert!(!config.sealed(1, member(2), 7));
    assert!(!config.completed(1, member(4)));
}

#[test]
fn a_copy_given_up_and_taken_again_is_not_complete_by_what_was_said_before() {
    let mut config = three(Succession::Automatic);
    config.join(member(4));
    let epoch = config.epoch();
    assert!(config.remove(member(4)));
    config.join(member(4));
    assert!(!config.completed(epoch, member(4)));
}

#[test]
fn nobody_follows_where_the_service_chooses() {
    let mut config = three(Succession::Chosen);
    lose(&mut config, 1);
    config.sealed(2, member(2), 7);
    config.sealed(2, member(3), 9);
    assert_eq!((config.primary(), config.is_sealing()), (None, false));
    // The chosen one is brought up to date by the one that has most.
    assert!(config.choose(member(2)));
    assert_eq!((config.primary(), config.next()), (Some(member(3)), Some(member(2))));
    assert!(config.drained(config.epoch(), member(2)));
    assert_eq!((config.primary(), config.next()), (Some(member(2)), None));
}

#[test]
fn a_choice_made_while_sealing_waits_for_the_seals() {
    let mut config = three(Succession::Chosen);
    lose(&mut config, 1);
    assert!(config.choose(member(2)));
    config.sealed(2, member(2), 9);
    assert_eq!(config.primary(), None);
    config.sealed(2, member(3), 9);
    assert_eq!((config.primary(), config.next()), (Some(member(2)), None));
}

#[test]
fn the_primary_goes_on_when_the_one_it_hands_over_to_is_lost() {
    let mut config = three(Succession::Automatic);
    config.choose(member(2));
    let epoch = config.epoch();
    lose(&mut config, 2);
    assert_eq!((config.primary(), config.next()), (Some(member(1)), None));
    assert!(!config.drained(epoch, member(2)));
}

#[test]
fn a_doubted_copy_counts_until_it_has_conceded() {
    let mut config = three(Succession::Automatic);
    assert!(config.lagging(1, member(3)));
    assert!(config.is_doubted(member(3)) && config.is_complete(member(3)));
    // Nobody concedes for another, or without having been doubted.
    assert!(!config.conceded(1, member(2)));
    assert!(config.conceded(1, member(3)));
    assert!(config.is_filling(member(3)) && !config.is_doubted(member(3)));
    assert!(!config.conceded(1, member(3)));
}

/// Nothing was acknowledged without it: whoever doubted it and is lost takes nothing along.
#[test]
fn a_doubted_copy_that_has_not_conceded_follows_a_lost_primary() {
    let mut config = Configuration::new(Some(member(1)), [member(2)], Succession::Automatic);
    assert!(config.lagging(1, member(2)));
    config.left(member(1));
    assert!(!config.conceded(1, member(2)));
    config.released(member(1));
    assert_eq!(config.primary(), Some(member(2)));
    assert!(!config.is_doubted(member(2)));
    assert!(!config.conceded(config.epoch(), member(2)));
}

#[test]
fn the_primary_goes_on_when_the_one_it_hands_over_to_concedes() {
    let mut config = three(Succession::Automatic);
    assert!(config.choose(member(2)));
    let epoch = config.epoch();
    assert!(config.lagging(epoch, member(2)));
    assert_eq!(config.next(), Some(member(2)));
    assert!(config.conceded(epoch, member(2)));
    assert_eq!((config.primary(), config.next()), (Some(member(1)), None));
    assert!(config.epoch() > epoch);
}
