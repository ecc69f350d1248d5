//! The contract of [`Storage`] as one call.

use crate::{Batch, Storage};
use bytes::Bytes;
use std::{
    future::{Future, poll_fn},
    ops::Range,
    pin::pin,
    task::Poll,
};

/// Checks a store against the whole contract; a test for authors of stores.
///
/// `open` opens always the same place, which is blank at the first time; of a store that is not
/// durable it is called once.
///
/// # Panics
/// At the first sentence of the contract that does not hold.
pub async fn check<S: Storage>(mut open: impl AsyncFnMut() -> S) {
    let store = open().await;
    is_blank(&store).await;
    keeps_what_was_written(&store).await;
    makes_changes_in_order(&store).await;
    scans_in_order(&store).await;
    batches_are_seen_whole(&store).await;
    takes_large_and_empty_values(&store).await;
    if store.durable() {
        drop(store);
        is_kept(&open().await).await;
    }
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
    assert_eq!(all(store).await.len(), 3, "nothing else is there");
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
