//! What both sides say when a connection begins. The bytes are in `docs/wire.md`.

use crate::{Class, Peer};
use ais_types::NodeId;
use std::net::SocketAddr;

/// The first bytes of every greeting.
const MAGIC: [u8; 4] = *b"AISt";
/// The version of the protocol between nodes; both sides must have the same.
pub(super) const PROTOCOL: u16 = 1;
/// The largest greeting, without its length.
pub(super) const GREETING_MAX: usize = 1024;

/// One side's first words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Dialler → listener: let us have a session.
    Hello(Hello),
    /// Listener → dialler: the session begins.
    Welcome(Hello),
    /// Higher → lower node: I am here and have no session with you; dial me.
    Knock(Hello),
    /// No session, and why. The connection ends.
    Refused(String),
    /// Dialler → door: where does the class listen that the hello names?
    Where(Hello),
    /// Door → dialler: there.
    At(SocketAddr),
}

/// Who speaks, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) class: Class,
    pub(super) from: Peer,
    pub(super) to: NodeId,
    /// Where the speaker listens.
    pub(super) address: SocketAddr,
    pub(super) cluster: String,
    pub(super) name: String,
}

/// Why a greeting cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum GreetingError {
    /// It does not speak our protocol at all.
    #[error("this is no greeting of a node: the magic number is wrong")]
    Magic,
    /// Another version.
    #[error("protocol version {0} where we speak {PROTOCOL}: run the same release on both nodes")]
    Protocol(u16),
    /// Cut short, too long, or a value that cannot be.
    #[error("malformed greeting: {0}")]
    Malformed(&'static str),
}

const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const KNOCK: u8 = 3;
const REFUSED: u8 = 4;
const WHERE: u8 = 5;
const AT: u8 = 6;

impl Greeting {
    /// The bytes, with their length before them.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = MAGIC.to_vec();
        body.extend(PROTOCOL.to_be_bytes());
        match self {
            Self::Hello(hello) => hello.encode(HELLO, &mut body),
            Self::Welcome(hello) => hello.encode(WELCOME, &mut body),
            Self::Knock(hello) => hello.encode(KNOCK, &mut body),
            Self::Refused(reason) => {
                body.push(REFUSED);
                put_text(reason, &mut body);
            }
            Self::Where(hello) => hello.encode(WHERE, &mut body),
            Self::At(address) => {
                body.push(AT);
                put_text(&address.to_string(), &mut body);
            }
        }
        let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
        bytes.extend(body);
        bytes
    }

    /// Reads a greeting from the bytes after its length.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, GreetingError> {
        let mut rest = Rest(bytes);
        if rest.take::<4>()? != MAGIC {
            return Err(GreetingError::Magic);
        }
        let protocol = u16::from_be_bytes(rest.take()?);
        if protocol != PROTOCOL {
            return Err(GreetingError::Protocol(protocol));
        }
        let greeting = match rest.byte()? {
            HELLO => Self::Hello(Hello::decode(&mut rest)?),
            WELCOME => Self::Welcome(Hello::decode(&mut rest)?),
            KNOCK => Self::Knock(Hello::decode(&mut rest)?),
            REFUSED => Self::Refused(rest.text()?),
            WHERE => Self::Where(Hello::decode(&mut rest)?),
            AT => Self::At(rest.address()?),
            _ => return Err(GreetingError::Malformed("unknown kind")),
        };
        match rest.0 {
            [] => Ok(greeting),
            _ => Err(GreetingError::Malformed("bytes after its end")),
        }
    }
}

impl Hello {
    fn encode(&self, kind: u8, body: &mut Vec<u8>) {
        body.push(kind);
        body.push(match self.class {
            Class::Control => 0,
            Class::Data => 1,
        });
        body.extend(self.from.node.0.to_be_bytes());
        body.extend(self.from.nonce.to_be_bytes());
        body.extend(self.to.0.to_be_bytes());
        put_text(&self.address.to_string(), body);
        put_text(&self.cluster, body);
        put_text(&self.name, body);
    }

    fn decode(rest: &mut Rest<'_>) -> Result<Self, GreetingError> {
        let class = match rest.byte()? {
            0 => Class::Control,
            1 => Class::Data,
            _ => return Err(GreetingError::Malformed("unknown class")),
        };
        let node = NodeId(u32::from_be_bytes(rest.take()?));
        let nonce = u64::from_be_bytes(rest.take()?);
        let to = NodeId(u32::from_be_bytes(rest.take()?));
        let address = rest.address()?;
        let from = Peer { node, nonce };
        Ok(Self { class, from, to, address, cluster: rest.text()?, name: rest.text()? })
    }
}

/// A text of at most 255 bytes; a longer one is cut where a character ends.
fn put_text(text: &str, body: &mut Vec<u8>) {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    body.push(end as u8);
    body.extend(&text.as_bytes()[..end]);
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], GreetingError> {
        let (head, rest) =
            self.0.split_first_chunk().ok_or(GreetingError::Malformed("cut short"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, GreetingError> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn address(&mut self) -> Result<SocketAddr, GreetingError> {
        self.text()?.parse().map_err(|_| GreetingError::Malformed("address"))
    }

    fn text(&mut self) -> Result<String, GreetingError> {
        let length = usize::from(self.byte()?);
        let (text, rest) =
            self.0.split_at_checked(length).ok_or(GreetingError::Malformed("cut short"))?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| GreetingError::Malformed("text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addresses() -> impl Strategy<Value = SocketAddr> {
        (any::<std::net::IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
    }

    fn hellos() -> impl Strategy<Value = Hello> {
        let class = prop_oneof![Just(Class::Control), Just(Class::Data)];
        let address = addresses();
        let text = || proptest::collection::vec(any::<char>(), 0..60);
        (class, any::<(u32, u64, u32)>(), address, text(), text()).prop_map(
            |(class, (node, nonce, to), address, cluster, name)| Hello {
                class,
                from: Peer { node: NodeId(node), nonce },
                to: NodeId(to),
                address,
                cluster: cluster.into_iter().collect(),
                name: name.into_iter().collect(),
            },
        )
    }

    fn greetings() -> impl Strategy<Value = Greeting> {
        prop_oneof![
            hellos().prop_map(Greeting::Hello),
            hellos().prop_map(Greeting::Welcome),
            hellos().prop_map(Greeting::Knock),
            hellos().prop_map(Greeting::Where),
            addresses().prop_map(Greeting::At),
            proptest::collection::vec(any::<char>(), 0..60)
                .prop_map(|reason| Greeting::Refused(reason.into_iter().collect())),
        ]
    }

    #[test]
    fn is_what_the_documents_say() {
        let hello = Hello {
            class: Class::Data,
            from: Peer { node: NodeId(1), nonce: 7 },
            to: NodeId(2),
            address: "127.0.0.1:9".parse().unwrap(),
            cluster: "test".into(),
            name: "raw".into(),
        };
        let hex =
            |bytes: Vec<u8>| -> String { bytes.iter().map(|it| format!("{it:02x}")).collect() };
        assert_eq!(
            hex(Greeting::Hello(hello).encode()),
            "002d41495374000101010000000100000000000000070000000\
             20b3132372e302e302e313a39047465737403726177"
        );
    }

    proptest! {
        #[test]
        fn comes_back_as_it_was(greeting in greetings()) {
            let bytes = greeting.encode();
            prop_assert_eq!(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])), bytes.len() - 2);
            prop_assert!(bytes.len() - 2 <= GREETING_MAX);
            prop_assert_eq!(Greeting::decode(&bytes[2..]), Ok(greeting));
        }

        #[test]
        fn garbage_and_damage_are_refused(
            greeting in greetings(), at in any::<prop::sample::Index>(), to in any::<u8>(),
            garbage in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut bytes = greeting.encode();
            let at = at.index(bytes.len() - 2) + 2;
            prop_assert!(Greeting::decode(&bytes[2..at]).is_err(), "cut short");
            bytes[at] = to;
            let _ = Greeting::decode(&bytes[2..]);
            prop_assert!(Greeting::decode(&garbage).is_err());
        }
    }
}
