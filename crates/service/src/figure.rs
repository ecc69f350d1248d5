//! Numbers that operators watch.

use alloc::{string::String, vec::Vec};

/// One number of a node or of a service, as of now, for whoever watches from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is: lower case words joined by `_`, its unit last (`bytes`, `seconds`). Figures of
    /// one name tell it for different [`labels`](Self::labels), and are of one kind.
    pub name: &'static str,
    /// The same for people.
    pub help: &'static str,
    /// How it moves.
    pub kind: FigureKind,
    /// What exactly it is about.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: u64,
}

/// How a [`Figure`] moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureKind {
    /// It only grows, until the node starts anew.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Figure {
    /// A number that only grows.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: FigureKind::Counter, labels: Vec::new(), value }
    }

    /// A number that goes up and down.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: FigureKind::Gauge, labels: Vec::new(), value }
    }

    /// The same, about this.
    #[must_use]
    pub fn of(mut self, label: &'static str, what: impl Into<String>) -> Self {
        self.labels.push((label, what.into()));
        self
    }
}
