//! The log files of components, read while they grow.
//!
//! A line is `<when> (<node>.<pid> : <program>.---.---.<number> : <severity>) <text>`.

use crate::wait::{Overdue, until};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

/// One line of a component's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The name of the node.
    pub node: String,
    /// The process that wrote it.
    pub pid: u32,
    /// Counts the lines of that process, from 1.
    pub number: u32,
    /// `INFO` or `ERROR`.
    pub severity: String,
    /// What it says.
    pub text: String,
}

impl Line {
    /// The line, if it is one.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (_, after) = line.split_once(" (")?;
        let (head, text) = after.split_once(") ")?;
        let mut parts = head.split(" : ");
        let (node, pid) = parts.next()?.rsplit_once('.')?;
        let number = parts.next()?.rsplit_once('.')?.1;
        Some(Self {
            node: node.to_owned(),
            pid: pid.parse().ok()?,
            number: number.parse().ok()?,
            severity: parts.next()?.to_owned(),
            text: text.to_owned(),
        })
    }
}

/// A component's log, from its beginning.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    read: u64,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
    lines: Vec<Line>,
    /// How many lines have been waited for already.
    seen: usize,
}

impl Log {
    /// The log of a component in a node's folder. It need not be there yet.
    #[must_use]
    pub fn new(node_folder: &Path, component: &str) -> Self {
        let path = node_folder.join("var/log").join(format!("{component}Log.latest"));
        Self { path, read: 0, rest: Vec::new(), lines: Vec::new(), seen: 0 }
    }

    /// All lines so far.
    pub fn lines(&mut self) -> &[Line] {
        self.read_on();
        &self.lines
    }

    /// The last line so far.
    pub fn last(&mut self) -> Option<&Line> {
        self.lines().last()
    }

    /// Forgets what was written so far: only what comes later is waited for.
    pub fn skip(&mut self) {
        self.read_on();
        self.seen = self.lines.len();
    }

    /// Forgets the first lines only, that many of them.
    pub fn skip_to(&mut self, lines: usize) {
        self.read_on();
        self.seen = lines.min(self.lines.len());
    }

    /// Waits for the next line for which `find` finds something, after the last one found.
    ///
    /// # Errors
    /// When no such line comes in time.
    pub fn wait<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut find: impl FnMut(&Line) -> Option<T>,
    ) -> Result<T, Overdue> {
        let found = until("", patience, || {
            self.read_on();
            while let Some(line) = self.lines.get(self.seen) {
                self.seen += 1;
                if let Some(found) = find(line) {
                    return Some(found);
                }
            }
            None
        });
        found.map_err(|overdue| {
            let last = self.last().map_or("no line", |line| line.text.as_str()).to_owned();
            let what = format!("{what:?} in {} (its last line: {last})", self.path.display());
            Overdue { what, ..overdue }
        })
    }

    /// Waits for the next line with exactly this text.
    ///
    /// # Errors
    /// When no such line comes in time.
    pub fn wait_text(&mut self, text: &str, patience: Duration) -> Result<Line, Overdue> {
        self.wait(text, patience, |line| (line.text == text).then(|| line.clone()))
    }

    fn read_on(&mut self) {
        let mut fresh = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.read))?;
            file.read_to_end(&mut fresh)
        });
        // A log that is not there yet has no lines yet.
        let Ok(read) = read else { return };
        self.read += read as u64;
        self.rest.append(&mut fresh);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            self.lines.extend(Line::parse(line.trim_end_matches('\n')));
        }
    }
}

/// The number in `csa103CompI0: Hello World! (seq=7)`.
#[must_use]
pub fn hello(text: &str) -> Option<u64> {
    text.split_once(": Hello World! (seq=")?.1.strip_suffix(')')?.parse().ok()
}

/// The number and the sender in `csa104: Sending Message: Msg    7 from csa104CompI1`.
#[must_use]
pub fn sending(text: &str) -> Option<(u64, String)> {
    message(text.strip_prefix("csa104: Sending Message: ")?)
}

/// The number and the sender in `Received Message : Msg    7 from csa104CompI1`.
#[must_use]
pub fn received(text: &str) -> Option<(u64, String)> {
    message(text.strip_prefix("Received Message : ")?)
}

fn message(text: &str) -> Option<(u64, String)> {
    let (number, from) = text.strip_prefix("Msg ")?.split_once(" from ")?;
    Some((number.trim().parse().ok()?, from.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let line = "Fri Feb 13 23:31:30.252 2009 (SCNodeI0.4711 : csa104Comp.---.---.00012 : INFO) \
                    Received Message : Msg   12 from csa104CompI1";
        let line = Line::parse(line).unwrap();
        assert_eq!((line.node.as_str(), line.pid, line.number), ("SCNodeI0", 4711, 12));
        assert_eq!(received(&line.text), Some((12, "csa104CompI1".to_owned())));
        assert_eq!(Line::parse("Fri Feb 13 (torn"), None);
    }

    #[test]
    fn only_whole_lines_count() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::new(folder.path(), "c");
        assert!(log.lines().is_empty());
        std::fs::create_dir_all(folder.path().join("var/log")).unwrap();
        std::fs::write(&log.path, "x (n.1 : p.---.---.00001 : INFO) a\nx (n.1 : p.-").unwrap();
        assert_eq!(log.lines().len(), 1);
        let text = "x (n.1 : p.---.---.00001 : INFO) a\nx (n.1 : p.---.---.00002 : INFO) b\n";
        std::fs::write(&log.path, text).unwrap();
        assert_eq!(log.last().unwrap().text, "b");
    }
}
