//! A file that people write, and errors that name its line.

use serde::de::DeserializeOwned;
use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

/// No file that people write is longer.
const BYTES_MAX: u64 = 4 << 20;

/// A configuration or a model that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{}: cannot be read: {error}; see to its path and rights", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// Something in it is wrong.
    #[error("{0}")]
    Wrong(Box<Mistake>),
}

/// One thing that is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {key}: {problem}; {help}", file.display())]
pub struct Mistake {
    /// In which file.
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// Which key.
    pub key: String,
    /// Which rule it breaks.
    pub problem: String,
    /// What to do.
    pub help: String,
    /// The bytes of the file that are meant.
    pub span: Range<usize>,
    /// The whole file.
    pub text: String,
}

/// A file's text, for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Document<'a> {
    pub(crate) file: &'a Path,
    pub(crate) text: &'a str,
}

/// The text of a file of reasonable size.
pub(crate) fn read(file: &Path) -> Result<String, ConfigError> {
    let read = || {
        if fs::metadata(file)?.len() > BYTES_MAX {
            let text = format!("it is larger than {BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
        fs::read_to_string(file)
    };
    read().map_err(|error| ConfigError::Read { file: file.to_owned(), error })
}

impl Document<'_> {
    /// The values of the file.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let key = self.key_at(span.start);
            let help = "write it as the reference of this file shows";
            self.wrong(span, key, error.message().trim().replace('\n', " "), help)
        })
    }

    /// An error about a key.
    pub(crate) fn wrong(
        &self,
        span: Range<usize>,
        key: impl Into<String>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> ConfigError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        ConfigError::Wrong(Box::new(Mistake {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            key: key.into(),
            problem: problem.into(),
            help: help.into(),
            span,
            text: self.text.to_owned(),
        }))
    }

    /// What stands before the `=` of the line, or the table that it opens.
    fn key_at(&self, place: usize) -> String {
        let before = self.text.get(..place).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let key = line.split('=').next().unwrap_or_default().trim();
        let key = key.trim_matches(['[', ']', '{', ' ']);
        if key.is_empty() { "the file".to_owned() } else { key.chars().take(64).collect() }
    }
}
