//! Who votes is changed by command, and the answer can be relied upon.

use crate::site::{SOON, Site};
use ais_cli::dev::{Durability, Plan};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// With logs on disk nobody comes back in another's place: a vote that still counts would be missed.
#[test]
fn whoever_is_stopped_right_after_an_order_about_voters_is_not_missed() {
    for durability in [Durability::Disk, Durability::Memory] {
        let site = Site::planned(Plan { durability, ..Plan::new(NODES) });
        for gone in ["n1", "n2"] {
            site.ais("n3", &["cluster", "voters", "remove", gone]);
        }
        for gone in ["n1", "n2"] {
            site.cluster.kill(gone).unwrap();
        }
        site.cluster.wait_formed(SOON * 2).unwrap();
        let why = site.refused("n3", &["cluster", "voters", "remove", "n3"]);
        assert!(why.contains("somebody has to vote"), "{why}");
        let why = site.refused("n3", &["cluster", "voters", "add", "n1"]);
        assert!(why.contains("start it first"), "{why}");

        for back in ["n1", "n2"] {
            site.start(back);
        }
        site.cluster.wait_formed(SOON * 2).unwrap();
        // Asked of one that does not lead, too.
        for back in ["n1", "n2"] {
            site.ais("n1", &["cluster", "voters", "add", back]);
        }
        site.cluster.kill("n3").unwrap();
        site.cluster.wait_formed(SOON * 2).unwrap();
    }
}
