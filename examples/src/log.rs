//! A component's own log file, in the format of the original tutorials.

use chrono::DateTime;
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// For the record.
    Info,
    /// Something failed.
    Error,
}

/// `var/log/<component>Log.latest`: one line a message, numbered from 1 in each process.
#[derive(Debug)]
pub struct Log {
    node: String,
    program: &'static str,
    /// Threads of one component share the file and its counter.
    file: Mutex<Numbered>,
}

#[derive(Debug)]
struct Numbered {
    file: File,
    lines: u32,
}

impl Log {
    /// Opens the log of a component in `folder`, which is created if need be.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(
        folder: &Path,
        node: &str,
        component: &str,
        program: &'static str,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{component}Log.latest"));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let file = Mutex::new(Numbered { file, lines: 0 });
        Ok(Self { node: node.to_owned(), program, file })
    }

    /// Writes a line for the record.
    pub fn info(&self, text: impl fmt::Display) {
        self.line(Severity::Info, &text);
    }

    /// Writes a line about a failure.
    pub fn error(&self, text: impl fmt::Display) {
        self.line(Severity::Error, &text);
    }

    fn line(&self, severity: Severity, text: &dyn fmt::Display) {
        let mut log = self.file.lock().expect("no thread panics while it writes a line");
        log.lines += 1;
        let line = format!(
            "{} ({}.{} : {}.---.---.{:05} : {}) {text}\n",
            timestamp(wall_clock_ms()),
            self.node,
            std::process::id(),
            self.program,
            log.lines,
            match severity {
                Severity::Info => "INFO",
                Severity::Error => "ERROR",
            },
        );
        // One write a line: readers follow the file while it grows.
        if let Err(error) = log.file.write_all(line.as_bytes()) {
            eprintln!("cannot write the log: {error}: {line}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a log line says when")]
fn wall_clock_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// `Fri Nov 20 14:38:49.252 2026`, in UTC.
fn timestamp(unix_ms: i64) -> String {
    let moment = DateTime::from_timestamp_millis(unix_ms).unwrap_or_default();
    moment.format("%a %b %e %H:%M:%S%.3f %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_as_in_the_originals() {
        assert_eq!(timestamp(1_234_567_890_252), "Fri Feb 13 23:31:30.252 2009");
    }
}
