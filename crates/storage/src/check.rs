//! The contract of [`Storage`] as one call.

use crate::{Batch, Storage, StorageError};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    future::{Future, poll_fn},
    ops::Range,
    pin::pin,
    task::Poll,
};

/// How often power fails, if it can.
const POWER_LOSSES: u64 = 40;

/// What [`check`] needs of a store: one place to keep things, and faults of it, where it can have
/// some.
#[async_trait]
pub trait Subject: Send {
    /// The store.
    type Store: Storage;

    /// Opens the place, which is blank at the first time, and whose power is on. Of a store that is
    /// not durable it is called once. The former store has been dropped.
    async fn open(&mut self) -> Self::Store;

    /// Lets power fail a little later, while the open store is at work, at a moment that `seed`
    /// chooses: of what was not synced by then any part may be lost, also one half of a write. From
    /// then on everything that is asked of that store fails. `false`: this place cannot.
    fn power_fails(&mut self, seed: u64) -> bool {
        let _ = seed;
        false
    }

    /// Lets the place have room for so many bytes more, or as many as it likes. `false`: it cannot.
    fn room(&mut self, bytes: Option<u64>) -> bool {
        let _ = bytes;
        false
    }
}

/// Checks a store against the whole contract; a test for authors of stores.
///
/// # Panics
/// At the first sentence of the contract that does not hold.
pub async fn check(subject: &mut impl Subject) {
    let store = subject.open().await;
    is_blank(&store).await;
    keeps_what_was_written(&store).await;
    makes_changes_in_order(&store).await;
    scans_in_order(&store).await;
    batches_are_seen_whole(&store).await;
    takes_large_and_empty_values(&store).await;
    keeps_its_order_among_many(&store).await;
    if !store.durable() {
        return is_full_and_goes_on(subject, &store).await;
    }
    drop(store);
    let store = subject.open().await;
    is_kept(&store).await;
    is_full_and_goes_on(subject, &store).await;
    is_kept(&store).await;
    drop(store);
    for seed in 0..POWER_LOSSES {
        survives_a_loss_of_power(subject, seed).await;
    }
    is_kept(&subject.open().await).await;
}

/// Writes until the power fails: what was acknowledged is there, and nothing by halves.
async fn survives_a_loss_of_power(subject: &mut impl Subject, seed: u64) {
    let store = subject.open().await;
    if !subject.power_fails(seed) {
        return;
    }
    let batch = |number: u64| {
        let value = number.to_be_bytes().to_vec();
        let pad = vec![number as u8; (number as usize * 997) % 9000];
        let log = Batch::new().put("~first", value.clone()).put("~pad", pad);
        log.remove(format!("~log/{:03}", number % 7)).put("~last", value)
    };
    let before = number(&store).await.unwrap_or(0);
    let mut acknowledged = before;
    while acknowledged < before + 10_000 {
        if store.write(batch(acknowledged + 1)).await.is_err() {
            break;
        }
        acknowledged += 1;
    }
    assert!(acknowledged < before + 10_000, "seed {seed}: the power never failed");
    drop(store);
    let store = subject.open().await;
    let kept = number(&store).await.unwrap_or(0);
    assert!(
        kept == acknowledged || kept == acknowledged + 1,
        "seed {seed}: {acknowledged} batches were acknowledged, and {kept} are there"
    );
    if kept > 0 {
        let pad = read(&store, "~pad").await.map(|it| it.to_vec());
        let expected = vec![kept as u8; (kept as usize * 997) % 9000];
        assert_eq!(pad, Some(expected), "seed {seed}: a batch is kept whole or not at all");
    }
    is_kept(&store).await;
}

/// The number of the last batch, which both ends of it hold.
async fn number(store: &impl Storage) -> Option<u64> {
    let (first, last) = (read(store, "~first").await, read(store, "~last").await);
    assert_eq!(first, last, "a batch is kept whole or not at all");
    first.map(|bytes| u64::from_be_bytes(bytes[..].try_into().expect("eight bytes")))
}

async fn is_full_and_goes_on(subject: &mut impl Subject, store: &impl Storage) {
    if !subject.room(Some(2 << 20)) {
        return;
    }
    let value = |number: usize| vec![number as u8; 40_000];
    let mut fit = 0;
    let refused = loop {
        let marked = Batch::new().put("~half", "").put(format!("~{fit:04}"), value(fit));
        match store.write(marked.remove("~half")).await {
            Ok(()) => fit += 1,
            Err(error) => break error,
        }
        assert!(fit < 10_000, "a place without room takes no more");
    };
    assert!(matches!(refused, StorageError::Full(_)), "not full but {refused}");
    assert_eq!(read(store, "~half").await, None, "nothing of what was refused is kept");
    for number in 0..=fit {
        let found = read(store, &format!("~{number:04}")).await;
        let expected = (number < fit).then(|| value(number).into());
        assert!(found == expected, "what was acknowledged is there, what was refused is not");
    }
    let again = store.write(Batch::new().put("~more", vec![1; 4 << 20])).await;
    assert!(matches!(again, Err(StorageError::Full(_))), "it is full still: {again:?}");
    subject.room(None);
    let mut clear = Batch::new().put("~more", vec![1; 4 << 20]).remove("~more");
    for number in 0..fit {
        clear = clear.remove(format!("~{number:04}"));
    }
    write(store, clear).await;
}

/// A thousand keys, written in an order of their own.
async fn keeps_its_order_among_many(store: &impl Storage) {
    let key = |number: u32| [b"many/", &number.to_be_bytes()[..]].concat();
    for start in (0..1000).step_by(250) {
        let numbers = (start..start + 250).map(|at| at * 7919 % 1000);
        let batch = numbers.fold(Batch::new(), |batch, it| batch.put(key(it), it.to_string()));
        write(store, batch).await;
    }
    let mut from = Bytes::from(key(0));
    for page in 0..10 {
        let found = store.scan(from.clone()..key(1000).into(), 100).await.expect("it scans");
        let expected = (page * 100..page * 100 + 100).map(|it| (key(it), it.to_string()));
        let expected: Vec<(Bytes, Bytes)> =
            expected.map(|(key, value)| (key.into(), value.into())).collect();
        assert!(found == expected, "page {page} of a long scan is in order");
        from = key((page + 1) * 100).into();
    }
    let clear = (0..1000).fold(Batch::new(), |batch, it| batch.remove(key(it)));
    write(store, clear).await;
}

async fn is_blank(store: &impl Storage) {
    assert_eq!(all(store).await, [], "a store is blank before the first write");
    assert_eq!(read(store, "nothing").await, None, "a key that was never written");
}

async fn keeps_what_was_written(store: &impl Storage) {
    write(store, Batch::new().put("a", "1").put("b", "2")).await;
    write(store, Batch::new()).await;
    assert_eq!(read(store, "a").await.as_deref(), Some(&b"1"[..]), "a value that was written");
    write(store, Batch::new().put("a", "one").remove("b").remove("never there")).await;
    assert_eq!(read(store, "a").await.as_deref(), Some(&b"one"[..]), "a value written again");
    assert_eq!(read(store, "b").await, None, "a key that was removed");
}

async fn makes_changes_in_order(store: &impl Storage) {
    let batch = Batch::new().put("a", "x").remove("a").put("b", "x").put("b", "y");
    write(store, batch.put("c", "z").remove("c")).await;
    assert_eq!(all(store).await, pairs(&[("b", "y")]), "the last change of a key in a batch stays");
    write(store, Batch::new().remove("b").put("b", "again")).await;
    assert_eq!(all(store).await, pairs(&[("b", "again")]), "removed and written in one batch");
    write(store, Batch::new().remove("b")).await;
}

async fn scans_in_order(store: &impl Storage) {
    write(store, Batch::new().put("k10", "c").put("k", "a").put("k1", "b").put("l", "d")).await;
    let expected = pairs(&[("k", "a"), ("k1", "b"), ("k10", "c")]);
    assert_eq!(scan(store, "k".."l", 9).await, expected, "ordered as bytes, without the end");
    assert_eq!(scan(store, "k".."l", 2).await, expected[..2], "no more than the limit");
    assert_eq!(scan(store, "k".."l", 0).await, [], "a limit of nothing");
    assert_eq!(scan(store, "k1".."k1", 9).await, [], "an empty range");
    assert_eq!(scan(store, "l".."k", 9).await, [], "a range that ends before it starts");
    assert_eq!(scan(store, "k0".."k1", 9).await, [], "nothing in the range");
    write(store, Batch::new().remove("k").remove("k1").remove("k10").remove("l")).await;
}

async fn batches_are_seen_whole(store: &impl Storage) {
    let writer = async {
        for number in 0..50_u8 {
            let value = vec![number];
            write(store, Batch::new().put("left", value.clone()).put("right", value)).await;
        }
    };
    let reader = async {
        for _ in 0..50 {
            let seen = scan(store, "left".."righu", 9).await;
            let same = seen.windows(2).all(|pair| pair[0].1 == pair[1].1);
            assert!(same && seen.len() != 1, "a batch is seen whole or not at all: {seen:?}");
        }
    };
    both(writer, reader).await;
    write(store, Batch::new().remove("left").remove("right")).await;
}

async fn takes_large_and_empty_values(store: &impl Storage) {
    let large = Bytes::from(vec![7; 1 << 20]);
    let keep =
        Batch::new().put("large", large.clone()).put("empty", "").put([0, 255].to_vec(), "odd");
    write(store, keep).await;
    is_kept(store).await;
}

async fn is_kept(store: &impl Storage) {
    assert_eq!(read(store, "large").await, Some(vec![7; 1 << 20].into()), "a megabyte");
    assert_eq!(read(store, "empty").await, Some(Bytes::new()), "an empty value is a value");
    assert_eq!(store.read(&[0, 255]).await.expect("reads"), Some("odd".into()), "any key");
    let own = scan(store, "a".."~", 9).await;
    assert_eq!(own.len(), 2, "nothing else is there");
}

async fn write(store: &impl Storage, batch: Batch) {
    store.write(batch).await.expect("a store in good order writes");
}

async fn read(store: &impl Storage, key: &str) -> Option<Bytes> {
    store.read(key.as_bytes()).await.expect("a store in good order reads")
}

async fn scan(store: &impl Storage, range: Range<&str>, limit: usize) -> Vec<(Bytes, Bytes)> {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let range = bytes(range.start)..bytes(range.end);
    store.scan(range, limit).await.expect("a store in good order scans")
}

async fn all(store: &impl Storage) -> Vec<(Bytes, Bytes)> {
    let range = Bytes::new()..Bytes::from_static(&[255; 32]);
    store.scan(range, usize::MAX).await.expect("a store in good order scans")
}

fn pairs(of: &[(&'static str, &'static str)]) -> Vec<(Bytes, Bytes)> {
    of.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

/// Runs both to their end, in turns.
async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut one_done, mut other_done) = (false, false);
    poll_fn(|cx| {
        one_done = one_done || one.as_mut().poll(cx).is_ready();
        other_done = other_done || other.as_mut().poll(cx).is_ready();
        if one_done && other_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
