//! The store in memory keeps the contract, and its limit.

use ais_storage::{Batch, MemoryStorage, Storage, StorageError, Subject, check};
use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;
use std::{collections::BTreeMap, ops::Range};

/// A new store each time.
struct Blank;

#[async_trait]
impl Subject for Blank {
    type Store = MemoryStorage;
    async fn open(&mut self) -> MemoryStorage {
        MemoryStorage::new()
    }
}

#[tokio::test]
async fn keeps_the_contract() {
    check(&mut Blank).await;
}

#[tokio::test]
async fn a_full_store_keeps_nothing_of_the_batch() {
    let store = MemoryStorage::with_limit(10);
    store.write(Batch::new().put("a", "12345")).await.unwrap();
    let refused = store.write(Batch::new().put("a", "x").put("b", "123456789")).await;
    assert!(matches!(refused, Err(StorageError::Full(_))));
    assert_eq!(store.read(b"a").await.unwrap().unwrap(), "12345");
    // What a batch frees counts for what it needs.
    store.write(Batch::new().remove("a").put("b", "123456789")).await.unwrap();
    store.write(Batch::new().put("b", "1")).await.unwrap();
    store.write(Batch::new().put("c", "1234567")).await.unwrap();
}

/// Forgets the last change of every batch.
struct Liar(MemoryStorage);

#[async_trait]
impl Storage for Liar {
    fn durable(&self) -> bool {
        false
    }
    async fn write(&self, mut batch: Batch) -> Result<(), StorageError> {
        batch.changes.pop();
        self.0.write(batch).await
    }
    async fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        self.0.read(key).await
    }
    async fn scan(
        &self,
        range: Range<Bytes>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StorageError> {
        self.0.scan(range, limit).await
    }
}

#[async_trait]
impl Subject for Liar {
    type Store = Self;
    async fn open(&mut self) -> Self {
        Self(MemoryStorage::new())
    }
}

#[tokio::test]
#[should_panic(expected = "the last change of a key")]
async fn the_check_can_fail() {
    check(&mut Liar(MemoryStorage::new())).await;
}

fn batches() -> impl Strategy<Value = Vec<Vec<(u8, Option<Vec<u8>>)>>> {
    let change = (0_u8..8, prop::option::of(prop::collection::vec(any::<u8>(), 0..4)));
    prop::collection::vec(prop::collection::vec(change, 0..6), 0..20)
}

proptest! {
    #[test]
    fn holds_what_a_map_holds(batches in batches(), limit in 0_usize..40) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = MemoryStorage::with_limit(limit);
            let mut model: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
            for changes in batches {
                let mut next = model.clone();
                let mut batch = Batch::new();
                for (key, value) in changes {
                    batch.changes.push((vec![key].into(), value.clone().map(Bytes::from)));
                    match value {
                        Some(value) => next.insert(key, value),
                        None => next.remove(&key),
                    };
                }
                let fits = next.values().map(|value| 1 + value.len()).sum::<usize>() <= limit;
                assert_eq!(store.write(batch).await.is_ok(), fits);
                model = if fits { next } else { model };
                let kept = store.scan(Bytes::new()..vec![255].into(), 100).await.unwrap();
                let kept: Vec<_> = kept.into_iter().map(|(k, v)| (k[0], v.to_vec())).collect();
                assert_eq!(kept, model.clone().into_iter().collect::<Vec<_>>());
            }
        });
    }
}
