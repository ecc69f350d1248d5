//! One of the processes that are measured: a member of a group that has no services. It does what
//! its standard input says, a line a wish.

use super::measure::{Sample, runtime, side_by_side};
use crate::Failure;
use ais_group::{
    Delivery, Group, GroupHandle, Identity, Priority,
    raft::{Config, Raft},
};
use ais_transport::{
    Class, Event, Peer, Transport,
    net::{Config as NetConfig, NetChannel, NetNode, Protocol},
};
use ais_types::{NodeId, Role, Time};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::interval,
};

const CLUSTER: &str = "bench";

/// Which member, and where all of them listen.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Place {
    /// 1, 2, 3 …
    member: u32,
    /// Where each of them listens.
    addresses: Vec<SocketAddr>,
    /// QUIC over UDP instead of TCP.
    #[arg(long)]
    udp: bool,
}

/// What a member is told to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Wish {
    /// Frames to the next member, which sends them back.
    PingPong { size: usize, count: u32 },
    /// Multicasts, so many under way at any time.
    Order { size: usize, lanes: u32, count: u32 },
}

/// What it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// Everybody is there.
    Formed { leads: bool },
    /// A wish is fulfilled.
    Measured(Sample),
}

/// Is that member until the standard input ends.
pub(crate) fn answer(place: &Place) -> ExitCode {
    match runtime().and_then(|it| it.block_on(live(place)).map_err(Failure::Usage)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench-member {}: {failure}", place.member);
            ExitCode::FAILURE
        }
    }
}

async fn live(place: &Place) -> Result<(), String> {
    let me = NodeId(place.member);
    let net = connect(place).await?;
    let data = Data::open(&net);
    let identity = Identity {
        node: me,
        name: "member".try_into().expect("it is short"),
        role: Role::Voter,
        addresses: Vec::new(),
        boot_time: Time(0),
    };
    let all = place.addresses.len();
    let config = Config::new(CLUSTER, identity, (1..).map(NodeId).take(all));
    // The node itself stays: it is who listens.
    let control = net.clone();
    let open = move || async move { Ok(control.open(Class::Control)) };
    let group = Raft::on_thread(config, open).map_err(|error| error.to_string())?;
    let (handle, (views, mut members)) = (group.handle(), watch::channel(0));
    tokio::spawn(own(group, views));
    tokio::spawn(be_well(Arc::clone(&handle)));
    members.wait_for(|it| *it == all).await.map_err(|error| error.to_string())?;
    handle.barrier().await.map_err(|error| error.to_string())?;
    say(&Said::Formed { leads: handle.leader().is_some_and(|it| it.node == me) });
    let mut wishes = wishes();
    while let Some(wish) = wishes.recv().await {
        let sample = match wish {
            Wish::PingPong { size, count } => data.ping_pong(size, count).await,
            Wish::Order { size, lanes, count } => order(&handle, size, lanes, count).await,
        };
        say(&Said::Measured(sample.map_err(|failure| failure.to_string())?));
    }
    Ok(())
}

fn say(what: &Said) {
    println!("{}", serde_json::to_string(what).expect("it is plain"));
}

fn wishes() -> mpsc::UnboundedReceiver<Wish> {
    let (sender, wishes) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        lines.map_while(|it| serde_json::from_str(&it).ok()).try_for_each(|it| sender.send(it))
    });
    wishes
}

async fn connect(place: &Place) -> Result<NetNode, String> {
    let all: Vec<(NodeId, SocketAddr)> =
        (1..).map(NodeId).zip(place.addresses.iter().copied()).collect();
    let me = Peer { node: NodeId(place.member), nonce: u64::from(std::process::id()) };
    let mine =
        all.iter().find(|it| it.0 == me.node).ok_or("there is no address for this member")?;
    let mut config = NetConfig::new(CLUSTER, me, mine.1);
    config.protocol = if place.udp { Protocol::Udp } else { Protocol::Tcp };
    config.peers = all.iter().copied().filter(|it| it.0 != me.node).collect();
    NetNode::bind(config).await.map_err(|error| error.to_string())
}

/// Hears what the group delivers, and lets it go.
async fn own(mut group: Raft, members: watch::Sender<usize>) {
    while let Some(delivery) = group.next().await {
        match delivery {
            Delivery::View(_, view) => drop(members.send_replace(view.members.len())),
            Delivery::Snapshot(reply) => drop(reply.send(Bytes::new())),
            Delivery::Left(reason) => eprintln!("left: {reason}"),
            Delivery::Restore(..)
            | Delivery::Kept(..)
            | Delivery::Message(..)
            | Delivery::ProcessEnded(..)
            | Delivery::Released(..)
            | Delivery::Time(_)
            | Delivery::Recovery(..)
            | Delivery::Lease(_)
            | Delivery::Refused(_) => {}
        }
    }
}

async fn be_well(handle: Arc<dyn GroupHandle>) {
    let mut ticks = interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        handle.alive();
    }
}

async fn order(
    handle: &Arc<dyn GroupHandle>,
    size: usize,
    lanes: u32,
    count: u32,
) -> Result<Sample, Failure> {
    let payload = &Bytes::from(vec![7; size]);
    side_by_side("", lanes, count, |_, _| async move {
        let ordered = handle.multicast(Priority::Medium, payload.clone()).await;
        ordered.map(drop).map_err(|error| Failure::Usage(error.to_string()))
    })
    .await
}

/// The class of frames that the group does not use. Everybody sends back what comes from the first
/// member; the first waits for it.
struct Data {
    out: mpsc::UnboundedSender<Bytes>,
    back: tokio::sync::Mutex<mpsc::UnboundedReceiver<Bytes>>,
}

impl Data {
    fn open(net: &NetNode) -> Self {
        let (out, outgoing) = mpsc::unbounded_channel();
        let (returned, back) = mpsc::unbounded_channel();
        tokio::spawn(carry(net.open(Class::Data), outgoing, returned));
        Self { out, back: back.into() }
    }

    async fn ping_pong(&self, size: usize, count: u32) -> Result<Sample, Failure> {
        let frame = &Bytes::from(vec![7; size]);
        side_by_side("", 1, count, |_, _| async move {
            let gone = || Failure::Usage("the transport has closed".to_owned());
            self.out.send(frame.clone()).map_err(|_| gone())?;
            self.back.lock().await.recv().await.map(drop).ok_or_else(gone)
        })
        .await
    }
}

async fn carry(
    mut data: NetChannel,
    mut outgoing: mpsc::UnboundedReceiver<Bytes>,
    returned: mpsc::UnboundedSender<Bytes>,
) {
    const FIRST: NodeId = NodeId(1);
    let mut second = None;
    loop {
        let sent = tokio::select! {
            Some(frame) = outgoing.recv(), if second.is_some() => {
                second.map_or(Ok(()), |it| data.send(it, frame))
            }
            event = data.next() => match event {
                Some(Event::Up(peer)) if peer.node == NodeId(2) => { second = Some(peer); Ok(()) }
                Some(Event::Frame(peer, frame)) if peer.node == FIRST => data.send(peer, frame),
                // Whoever waited has gone.
                Some(Event::Frame(_, frame)) => { let _ = returned.send(frame); Ok(()) }
                Some(Event::Up(_) | Event::Down(..)) => Ok(()),
                None => return,
            },
        };
        if let Err(error) = sent {
            return eprintln!("bench-member: {error}");
        }
    }
}
