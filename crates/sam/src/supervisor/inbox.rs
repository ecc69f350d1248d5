//! Commands out of whatever pieces they come in.

use crate::link;

/// What an instance says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Start,
    Stop,
    Heartbeat,
    DataStore(Vec<u8>),
    /// There was no memory for so much.
    DataTooBig(usize),
    WarnSignalSet(i32),
    MarkFailed,
    Adopt {
        interval: i32,
        policy: i32,
    },
    /// A byte that is no command: another program writes here.
    Nonsense,
}

/// Commands out of whatever pieces they come in.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// How much of `bytes` is done with.
    read: usize,
    data: Option<Data>,
}

/// Data on its way. It is stored only when all of it is there.
#[derive(Debug)]
struct Data {
    size: usize,
    /// `None`: there is no memory for it, and it is only counted.
    kept: Option<Vec<u8>>,
    seen: usize,
}

const WORD: usize = size_of::<usize>();

impl Inbox {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next command that is there whole.
    pub(super) fn next(&mut self) -> Option<Command> {
        if self.data.is_some() {
            return self.take_data();
        }
        let command = match *self.bytes.get(self.read)? {
            link::START => Command::Start,
            link::STOP => Command::Stop,
            link::HEARTBEAT => Command::Heartbeat,
            link::MARK_FAILED => Command::MarkFailed,
            link::WARN_SIGNAL_SET => {
                let signal = self.number(1)?;
                self.read += 4;
                Command::WarnSignalSet(signal)
            }
            link::ADOPT => {
                let (interval, policy) = (self.number(1)?, self.number(5)?);
                self.read += 8;
                Command::Adopt { interval, policy }
            }
            link::DATA_STORE => {
                let size = self.bytes.get(self.read + 1..)?.first_chunk::<WORD>()?;
                let size = usize::from_ne_bytes(*size);
                self.read += 1 + WORD;
                let mut kept = Vec::new();
                let kept = kept.try_reserve_exact(size).is_ok().then_some(kept);
                self.data = Some(Data { size, kept, seen: 0 });
                return self.take_data();
            }
            _ => Command::Nonsense,
        };
        self.read += 1;
        Some(command)
    }

    fn number(&self, after: usize) -> Option<i32> {
        let bytes = self.bytes.get(self.read + after..)?.first_chunk()?;
        Some(i32::from_ne_bytes(*bytes))
    }

    fn take_data(&mut self) -> Option<Command> {
        let data = self.data.as_mut()?;
        let here = &self.bytes[self.read..];
        let some = &here[..here.len().min(data.size - data.seen)];
        if let Some(kept) = &mut data.kept {
            kept.extend_from_slice(some);
        }
        data.seen += some.len();
        self.read += some.len();
        if data.seen < data.size {
            return None;
        }
        let data = self.data.take()?;
        Some(match data.kept {
            Some(kept) => Command::DataStore(kept),
            None => Command::DataTooBig(data.size),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(command: &Command) -> Vec<u8> {
        match command {
            Command::Start => vec![link::START],
            Command::Stop => vec![link::STOP],
            Command::Heartbeat => vec![link::HEARTBEAT],
            Command::MarkFailed => vec![link::MARK_FAILED],
            Command::Nonsense => vec![200],
            Command::WarnSignalSet(it) => {
                [&[link::WARN_SIGNAL_SET][..], &it.to_ne_bytes()].concat()
            }
            Command::Adopt { interval, policy } => {
                [&[link::ADOPT][..], &interval.to_ne_bytes(), &policy.to_ne_bytes()].concat()
            }
            Command::DataStore(data) => {
                [&[link::DATA_STORE][..], &data.len().to_ne_bytes(), data].concat()
            }
            Command::DataTooBig(size) => [&[link::DATA_STORE][..], &size.to_ne_bytes()].concat(),
        }
    }

    fn command() -> impl Strategy<Value = Command> {
        prop_oneof![
            Just(Command::Start),
            Just(Command::Stop),
            Just(Command::Heartbeat),
            Just(Command::MarkFailed),
            Just(Command::Nonsense),
            any::<i32>().prop_map(Command::WarnSignalSet),
            any::<(i32, i32)>().prop_map(|(interval, policy)| Command::Adopt { interval, policy }),
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(Command::DataStore),
        ]
    }

    proptest! {
        #[test]
        fn commands_survive_any_cut(
            commands in proptest::collection::vec(command(), 0..20),
            cuts in proptest::collection::vec(1_usize..40, 1..400),
        ) {
            let bytes: Vec<u8> = commands.iter().flat_map(encode).collect();
            let mut inbox = Inbox::default();
            let (mut rest, mut heard, mut cuts) = (&bytes[..], Vec::new(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                inbox.push(piece);
                heard.extend(std::iter::from_fn(|| inbox.next()));
                rest = after;
            }
            prop_assert_eq!(heard, commands);
        }

        #[test]
        fn nonsense_neither_panics_nor_grows(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut inbox = Inbox::default();
            for piece in bytes.chunks(7) {
                inbox.push(piece);
                while inbox.next().is_some() {}
                prop_assert!(inbox.bytes.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn data_that_no_memory_can_hold_is_counted_and_not_kept() {
        let mut inbox = Inbox::default();
        inbox.push(&encode(&Command::DataTooBig(usize::MAX)));
        assert_eq!(inbox.next(), None);
        inbox.push(&[7; 5000]);
        assert_eq!(inbox.next(), None);
        inbox.push(&[]);
        assert!(inbox.bytes.is_empty());
    }
}
