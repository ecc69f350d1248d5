//! The time line, for people or for programs.

use crate::wait::Watch;
use serde::Serialize;
use serde_json::{Value, json};

/// Tells what happens, and when.
pub(crate) struct Teller {
    json: bool,
    watch: Watch,
}

impl Teller {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, watch: Watch::start() }
    }

    pub(crate) fn seconds(&self) -> f64 {
        (self.watch.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
    }

    /// A new part of the story begins.
    pub(crate) fn phase(&self, name: &str, text: &str) {
        if self.json {
            self.object(json!({ "phase": name, "text": text }));
        } else {
            println!("\n{name}: {text}");
        }
    }

    /// Something happened.
    pub(crate) fn event(&self, text: &str) {
        if self.json {
            self.object(json!({ "event": text }));
        } else {
            println!("  {:6.2} s  {text}", self.seconds());
        }
    }

    /// The last word.
    pub(crate) fn summary(&self, it: &Summary) {
        if self.json {
            return self.object(json!(it));
        }
        println!("\nsummary after {:.1} s", self.seconds());
        println!("  the count went from 0 to {}, over {} actives", it.last_count, it.actives);
        println!(
            "  {} messages acknowledged, {} received, {} of them twice",
            it.messages_acknowledged, it.messages_received, it.repeated_messages
        );
        for (what, took) in &it.take_overs_ms {
            println!("  {what}: a new active after {took} ms");
        }
        println!("  lost updates:  {}", it.lost_updates);
        println!("  lost messages: {}", it.lost_messages);
    }

    fn object(&self, mut object: Value) {
        object["at_s"] = json!(self.seconds());
        println!("{object}");
    }
}

/// The counts that matter.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Saved and not found again.
    pub(crate) lost_updates: u64,
    /// Acknowledged and not received.
    pub(crate) lost_messages: u64,
    /// Received more often than sent.
    pub(crate) repeated_messages: u64,
    /// How far csa103 has counted.
    pub(crate) last_count: u64,
    /// How many processes were active for it, one after the other.
    pub(crate) actives: usize,
    /// Of csa104.
    pub(crate) messages_acknowledged: u64,
    /// Of csa104.
    pub(crate) messages_received: u64,
    /// From each kill to the new active.
    pub(crate) take_overs_ms: Vec<(String, u128)>,
}
