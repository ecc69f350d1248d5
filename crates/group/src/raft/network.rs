//! How the consensus library reaches its peers: by requests that the member's task sends.

use super::{
    packet::{Request, Response},
    types::{RaftId, Snapshot, Types, Vote},
};
use openraft::{
    OptionalSend, RaftNetwork, RaftNetworkFactory,
    error::{Fatal, RPCError, RaftError, ReplicationClosed, StreamingError, Unreachable},
    network::{Backoff, RPCOption},
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
    },
};
use std::{fmt, future::Future, iter::repeat, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// A request on its way out, and who waits for its answer.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) to: RaftId,
    pub(crate) request: Request,
    pub(crate) answer: oneshot::Sender<Response>,
}

/// Makes clients for the library.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) outgoing: mpsc::UnboundedSender<Outgoing>,
    /// How long the library leaves alone who was not reachable.
    pub(crate) backoff: Duration,
}

/// Talks to one peer.
#[derive(Debug)]
pub(crate) struct Client {
    network: Network,
    to: RaftId,
}

/// There was no answer: not connected, or the session broke.
#[derive(Debug)]
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for NoAnswer {}

impl Client {
    async fn ask(&self, request: Request) -> Result<Response, Unreachable> {
        let (answer, answered) = oneshot::channel();
        let outgoing = Outgoing { to: self.to, request, answer };
        self.network.outgoing.send(outgoing).map_err(|_| no_answer())?;
        answered.await.map_err(|_| no_answer())
    }
}

fn no_answer() -> Unreachable {
    Unreachable::new(&NoAnswer)
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Client;

    async fn new_client(&mut self, to: RaftId, (): &()) -> Client {
        Client { network: self.clone(), to }
    }
}

type Failed = RPCError<RaftId, (), RaftError<RaftId>>;

impl RaftNetwork<Types> for Client {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<RaftId>, Failed> {
        match self.ask(Request::Append(request)).await? {
            Response::Append(response) => Ok(response),
            _other => Err(no_answer().into()),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<RaftId>,
        _: RPCOption,
    ) -> Result<VoteResponse<RaftId>, Failed> {
        match self.ask(Request::Vote(request)).await? {
            Response::Vote(response, _) => Ok(response),
            _other => Err(no_answer().into()),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<RaftId>, StreamingError<Types, Fatal<RaftId>>> {
        let request = Request::Install(vote, snapshot.meta, *snapshot.snapshot);
        tokio::select! {
            biased;
            closed = cancel => Err(closed.into()),
            answer = tokio::time::timeout(option.hard_ttl(), self.ask(request)) => match answer {
                Ok(Ok(Response::Install(vote))) => Ok(SnapshotResponse::new(vote)),
                Ok(Ok(_)) | Err(_) => Err(no_answer().into()),
                Ok(Err(unreachable)) => Err(unreachable.into()),
            },
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(repeat(self.network.backoff))
    }
}
