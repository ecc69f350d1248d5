//! `ais cluster`: who votes, who may join, and what to do when a majority is lost.

use crate::{
    Failure,
    args::{Cluster as Order, Common, Voters},
    run::{endpoint, say},
    show::{Show, show, table},
};
use ais_client::{Endpoint, Node, Session};
use ais_types::{NodeId, Outcome, node};
use aisd::join::Token;
use serde::Serialize;

pub(crate) fn run(order: Order, common: &Common) -> Result<(), Failure> {
    let at = endpoint(common)?;
    match order {
        Order::Show => {
            show(&open(&at)?.cluster()?, common.json);
            Ok(())
        }
        Order::Token { id, valid } => {
            let invitation = open(&at)?.invite(id.map(NodeId), valid)?;
            let node = invitation.node;
            show(&Printed { token: Token(invitation).encode(), node }, common.json);
            Ok(())
        }
        Order::Voters(Voters::Add { name }) => {
            open(&at)?.set_voter(find(&at, &name)?, true)?;
            say(common, format!("{name} votes"))
        }
        Order::Voters(Voters::Remove { name }) => {
            open(&at)?.set_voter(find(&at, &name)?, false)?;
            say(common, format!("{name} does not vote any more"))
        }
        Order::Reform { yes: false } => Err(Failure::Usage(
            "what only the lost nodes have acknowledged may be lost with them, and if they run the \
             cluster is split: make sure that they do not, and say --yes"
                .to_owned(),
        )),
        Order::Reform { yes: true } => {
            open(&at)?.reform()?;
            say(common, "this node goes on alone; the others join it when they start".to_owned())
        }
    }
}

fn open(at: &Endpoint) -> Outcome<Node<Session>> {
    Node::<Session>::open(at, "ais")
}

/// The number of the node with this name.
fn find(at: &Endpoint, name: &str) -> Result<NodeId, Failure> {
    let nodes = open(at)?.cluster()?.nodes;
    let found = nodes.iter().find(|node| node.name.to_string() == name);
    found.map(|node| node.id).ok_or_else(|| {
        let names: Vec<String> = nodes.iter().map(|node| node.name.to_string()).collect();
        Failure::Usage(match names.is_empty() {
            true => "this cluster is one node alone: there is nobody else to vote".to_owned(),
            false => format!("there is no node {name:?}; use one of {}", names.join(", ")),
        })
    })
}

/// A token, for whoever starts the new node.
#[derive(Serialize)]
struct Printed {
    node: NodeId,
    token: String,
}

impl Show for Printed {
    fn lines(&self) -> String {
        self.token.clone()
    }
}

impl Show for node::Cluster {
    fn lines(&self) -> String {
        let rows = self.nodes.iter().map(|node| {
            let votes = if self.voters.contains(&node.id) { "votes" } else { "" };
            let id = node.id.to_string();
            vec![node.name.to_string(), id, votes.to_owned(), node.addresses.join(" ")]
        });
        table(rows.collect())
    }
}
