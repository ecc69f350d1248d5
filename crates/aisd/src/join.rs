//! Joining a cluster by a token, without a word in anybody's file.
//!
//! An operator makes a token on a member (`ais cluster token`); it says what the new node needs to
//! know, and lets it in once. The first start writes the node's own file; from then on it is a
//! node like the others.

use ais_types::node::Invitation;
use ais_wire::{decode_bytes, encode_bytes};
use serde::{Deserialize, Serialize};
use std::{fmt::Write as _, net::SocketAddr, path::Path};

/// What every token begins with.
const PREFIX: &str = "ais1-";
/// No token is longer.
const LENGTH_MAX: usize = 64 << 10;

/// What a new node needs to know, as text that can be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token(pub Invitation);

/// A token that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no token, or not all of it: copy what `ais cluster token` has printed")]
pub struct NoToken;

impl Token {
    /// As text.
    #[must_use]
    pub fn encode(&self) -> String {
        encode_bytes(self).iter().fold(PREFIX.to_owned(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// From text.
    ///
    /// # Errors
    /// If it is not one.
    pub fn decode(text: &str) -> Result<Self, NoToken> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(NoToken)?;
        if digits.len() > LENGTH_MAX
            || !digits.len().is_multiple_of(2)
            || !digits.bytes().all(|it| it.is_ascii_hexdigit())
        {
            return Err(NoToken);
        }
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| NoToken);
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect::<Result<_, _>>()?;
        decode_bytes(&bytes).map_err(|_| NoToken)
    }

    /// The configuration of the new node, which listens there and finds a member at `at`. Its
    /// certificate, if it has one, is in the folder `certs`.
    #[must_use]
    pub fn configuration(
        &self,
        at: SocketAddr,
        name: Option<&str>,
        listen: SocketAddr,
        certs: Option<&Path>,
    ) -> String {
        let it = &self.0;
        let own = name.map_or_else(|| format!("n{}", it.node.0), str::to_owned);
        let durability = if it.durable { "disk" } else { "memory" };
        let mut text = format!(
            "cluster = {:?}\nnode = {own:?}\ntransport = {:?}\nfailure_timeout_ms = {}\ndurability = {durability:?}\n",
            it.cluster, it.transport, it.failure_timeout_ms
        );
        if let Some(folder) = certs {
            let file = |name: &str, ending| folder.join(format!("{name}.{ending}"));
            let (ca, cert, key) = (file("ca", "pem"), file(&own, "pem"), file(&own, "key"));
            // Writing to a string cannot fail.
            let _ = write!(text, "\n[tls]\nca = {ca:?}\ncert = {cert:?}\nkey = {key:?}\n");
        }
        let mut node = |id: u32, name: &str, role: &str, address: &str| {
            let _ = write!(
                text,
                "\n[[nodes]]\nid = {id}\nname = {name:?}\nrole = {role:?}\naddress = {address:?}\n"
            );
        };
        // It may be any of them; if it is none of theirs, it is another way to who invited.
        let theirs = it.nodes.iter().any(|known| known.addresses.contains(&at.to_string()));
        for known in it.nodes.iter().filter(|known| known.id != it.node) {
            let role = format!("{:?}", known.role).to_lowercase();
            let address = match known.addresses.first() {
                Some(address) if theirs || known.id != it.issuer => address.clone(),
                Some(_) | None => at.to_string(),
            };
            node(known.id.0, &known.name.to_string(), &role, &address);
        }
        node(it.node.0, &own, "payload", &listen.to_string());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Transport};
    use ais_types::{NodeId, Role, node::Known};

    fn token() -> Token {
        let known = |id: u32, role| Known {
            id: NodeId(id),
            name: format!("west-{id}").as_str().try_into().unwrap(),
            role,
            addresses: vec![format!("127.0.0.1:700{id}")],
        };
        Token(Invitation {
            cluster: "plant".into(),
            issuer: NodeId(2),
            node: NodeId(4),
            secret: u128::MAX - 7,
            failure_timeout_ms: 700,
            durable: true,
            transport: "udp".into(),
            nodes: vec![known(1, Role::Voter), known(2, Role::Voter), known(3, Role::Witness)],
        })
    }

    #[test]
    fn a_token_is_text_and_garbage_is_none() {
        let text = token().encode();
        assert_eq!(Token::decode(&format!(" {text}\n")), Ok(token()));
        for garbage in
            ["", "ais1-", "ais1-0", "ais1-zz", "ais1-ü0", &text[..text.len() - 2], &text[5..]]
        {
            assert_eq!(Token::decode(garbage), Err(NoToken), "{garbage}");
        }
    }

    /// Whoever copies a token may lose some of it, or change it.
    #[test]
    fn a_damaged_token_is_none_or_makes_a_file_that_is_checked() {
        let mut rng = fastrand::Rng::with_seed(5);
        let (sound, mut none) = (encode_bytes(&token()), 0);
        let (at, listen) = ("127.0.0.1:9002".parse().unwrap(), "127.0.0.1:7004".parse().unwrap());
        for _ in 0..4_000 {
            let bytes = ais_wire::damaged(&sound, &mut |below| rng.usize(..below));
            let text =
                bytes.iter().fold(PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}"));
            let text = String::from_utf8_lossy(&match rng.bool() {
                true => ais_wire::damaged(text.as_bytes(), &mut |below| rng.usize(..below)),
                false => text.into_bytes(),
            })
            .into_owned();
            match Token::decode(&text) {
                Ok(token) => {
                    let text = token.configuration(at, None, listen, None);
                    // Either is right: nothing that breaks a rule is ever written to a file.
                    let _ = Config::parse(Path::new("/n/node.toml"), &text);
                }
                Err(NoToken) => none += 1,
            }
        }
        assert!(none > 1_000, "{none} were none");
    }

    #[test]
    fn the_new_node_has_a_file_that_keeps_the_rules() {
        let (at, listen) = ("127.0.0.1:9002".parse().unwrap(), "127.0.0.1:7004".parse().unwrap());
        let text = token().configuration(at, Some("east"), listen, None);
        let config = Config::parse(Path::new("/n/node.toml"), &text).unwrap();
        assert_eq!((config.this().name.as_str(), config.this().role), ("east", Role::Payload));
        assert_eq!(config.voters().count(), 3);
        assert!(config.durable && config.transport == Transport::Udp);
        let issuer = config.nodes.iter().find(|it| it.id == NodeId(2)).unwrap();
        assert_eq!(issuer.address, Some(at));
        // Another member is as good.
        let text = token().configuration("127.0.0.1:7001".parse().unwrap(), None, listen, None);
        let config = Config::parse(Path::new("/n/node.toml"), &text).unwrap();
        assert_eq!((config.this().name.as_str(), config.nodes.len()), ("n4", 4));
    }
}
