//! Running programs, and talking to them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// Runs a program to its end and expects it to be content.
///
/// # Panics
/// When it is not; all that it said is shown.
pub fn run(command: &mut Command) {
    let shown = format!("{command:?}");
    let output = command.output().expect("it can be run");
    let said = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    assert!(
        output.status.success(),
        "{shown}: {}\n{}\n{}",
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    );
}

/// A program that says a line when it has got somewhere, and waits for a line before it goes on.
pub struct Talk {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Talk {
    /// Starts it, with the node behind this socket.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(program: &Path, arguments: &[&str], socket: &Path) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .env("AIS_SOCKET", socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be run");
        let lines = BufReader::new(child.stdout.take().expect("it is a pipe"));
        Self { child, lines }
    }

    /// Waits for the next line. Empty: it has ended.
    ///
    /// # Panics
    /// When it says no text.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    /// Waits until a line begins so, and returns the rest of it.
    ///
    /// # Panics
    /// When the program ends before.
    pub fn wait_for(&mut self, beginning: &str) -> String {
        let mut said = Vec::new();
        loop {
            let line = self.line();
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.trim().to_owned();
            }
            let ended = line.is_empty() && self.child.try_wait().expect("our child").is_some();
            said.push(line);
            assert!(!ended, "waited for {beginning:?}, and it said {said:#?}");
        }
    }

    /// Tells it to go on.
    ///
    /// # Panics
    /// When it has ended.
    pub fn go_on(&mut self) {
        let input = self.child.stdin.as_mut().expect("it is a pipe");
        input.write_all(b"\n").and_then(|()| input.flush()).expect("it listens");
    }

    /// Its process number.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end and expects it to be content.
    ///
    /// # Panics
    /// When it is not.
    pub fn end(mut self) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        let _ = self.lines.read_to_string(&mut rest);
        let status = self.child.wait().expect("our child");
        assert!(status.success(), "{status}: {rest}");
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
