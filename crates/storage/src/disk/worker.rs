//! The thread that owns the database.

use super::database::Database;
use crate::{Batch, StorageError};
use bytes::Bytes;
use futures::channel::oneshot::Sender;
use std::{ops::Range, sync::mpsc::Receiver};

/// Batches that are made durable together have about so many bytes.
const GROUP_BYTES: usize = 4 << 20;

type Reply<T> = Sender<Result<T, StorageError>>;
type Pairs = Vec<(Bytes, Bytes)>;

/// What is asked of the store.
#[derive(Debug)]
pub(super) enum Request {
    Write(Batch, Reply<()>),
    Read(Vec<u8>, Reply<Option<Bytes>>),
    Scan(Range<Bytes>, usize, Reply<Pairs>),
}

/// Does what is asked for, in order, until nobody can ask any more.
pub(super) fn run(mut database: Database, requests: &Receiver<Request>) {
    let mut left_over = None;
    while let Some(request) = left_over.take().or_else(|| requests.recv().ok()) {
        // Who asked may not wait for the answer any more.
        match request {
            Request::Read(key, reply) => drop(reply.send(database.read(&key))),
            Request::Scan(range, limit, reply) => drop(reply.send(database.scan(range, limit))),
            Request::Write(batch, reply) => {
                let (group, other) = gather((batch, reply), requests);
                left_over = other;
                write(&mut database, group);
            }
        }
    }
}

/// The batches that wait behind this one, and what came behind them.
fn gather(
    first: (Batch, Reply<()>),
    requests: &Receiver<Request>,
) -> (Vec<(Batch, Reply<()>)>, Option<Request>) {
    let mut bytes = first.0.bytes();
    let mut group = vec![first];
    while bytes < GROUP_BYTES {
        match requests.try_recv() {
            Ok(Request::Write(batch, reply)) => {
                bytes += batch.bytes();
                group.push((batch, reply));
            }
            Ok(other) => return (group, Some(other)),
            Err(_) => break,
        }
    }
    (group, None)
}

fn write(database: &mut Database, group: Vec<(Batch, Reply<()>)>) {
    let alone = group.len() == 1;
    let all = database.write(group.iter().map(|(batch, _)| batch));
    for (batch, reply) in group {
        let done = match &all {
            Ok(()) => Ok(()),
            // Without the others it may fit.
            Err(StorageError::Full(_)) if !alone => database.write([&batch]),
            Err(error) => Err(error.again()),
        };
        let _ = reply.send(done);
    }
}
