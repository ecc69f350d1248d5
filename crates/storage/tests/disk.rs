//! The store on disk keeps the contract, on a real file and on a disk that fails.
#![expect(clippy::unwrap_used, reason = "test code")]

mod faulty;

use ais_storage::{Batch, DiskStorage, Storage, StorageError, Subject, check};
use async_trait::async_trait;
use bytes::Bytes;
use faulty::Disk;
use futures::future::join_all;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A real file.
struct File(PathBuf);

#[async_trait]
impl Subject for File {
    type Store = DiskStorage;
    async fn open(&mut self) -> DiskStorage {
        DiskStorage::open(&self.0).await.unwrap()
    }
}

#[tokio::test]
async fn keeps_the_contract_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    check(&mut File(folder.path().join("store"))).await;
}

/// With power that fails and without room.
#[tokio::test]
async fn keeps_the_contract_on_a_faulty_disk() {
    check(&mut Disk::default()).await;
}

#[tokio::test]
async fn power_may_fail_while_it_recovers() {
    let mut disk = Disk::default();
    let store = disk.store().await.unwrap();
    store.write(Batch::new().put("a", "1").put("b", vec![2; 100_000])).await.unwrap();
    drop(store);
    for seed in 0..40 {
        let store = disk.store().await.unwrap();
        disk.power_fails(seed);
        while store.write(Batch::new().put("~", vec![3; 20_000])).await.is_ok() {}
        drop(store);
        for seed in seed * 100..seed * 100 + 5 {
            disk.power_fails(seed);
            drop(disk.start().await);
        }
        let store = disk.store().await.unwrap();
        assert_eq!(store.read(b"a").await.unwrap().unwrap(), "1", "seed {seed}");
        assert_eq!(store.read(b"b").await.unwrap().unwrap(), vec![2; 100_000], "seed {seed}");
    }
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_claimed_any_more() {
    let disk = Disk::default();
    let store = disk.store().await.unwrap();
    store.write(Batch::new().put("a", "kept")).await.unwrap();
    disk.state().broken = true;
    let error = store.write(Batch::new().put("a", "lost")).await.unwrap_err();
    assert!(matches!(error, StorageError::Io { .. }), "{error}");
    assert_eq!(error.to_string(), "faulty: the disk does not answer");
    disk.state().broken = false;
    let again = store.write(Batch::new().put("b", "x")).await.unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    assert_eq!(store.read(b"a").await.unwrap_err().to_string(), error.to_string());
    drop(store);
    let store = disk.store().await.unwrap();
    assert!(store.read(b"a").await.unwrap().is_some());
}

async fn filled(path: &Path) -> Vec<u8> {
    let store = DiskStorage::open(path).await.unwrap();
    for number in 0..40_u8 {
        store.write(Batch::new().put([number].to_vec(), vec![number; 3000])).await.unwrap();
    }
    drop(store);
    fs::read(path).unwrap()
}

/// Either the content is what was written, or the error names the file.
async fn is_whole_or_named(path: &Path, what: &str) -> bool {
    let store = match DiskStorage::open(path).await {
        Ok(store) => store,
        Err(StorageError::Corrupt { file, .. }) => {
            assert_eq!(Path::new(&file), path);
            return false;
        }
        Err(other) => panic!("{what}: not damaged but {other}"),
    };
    let all = store.scan(Bytes::new()..vec![255].into(), 100).await.unwrap();
    let expected: Vec<(Bytes, Bytes)> =
        (0..40_u8).map(|it| (vec![it].into(), vec![it; 3000].into())).collect();
    assert!(all == expected, "{what}: opened, with other content");
    true
}

#[tokio::test]
async fn a_damaged_file_is_named_or_nothing_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let good = filled(&path).await;
    let mut rng = fastrand::Rng::with_seed(1);
    let mut named = 0;
    // The header, and places anywhere.
    for case in 0..300 {
        let at = if case < 150 { case * 2 + rng.usize(..2) } else { rng.usize(..good.len()) };
        let mut bad = good.clone();
        bad[at] ^= 1 << rng.u8(..8);
        fs::write(&path, bad).unwrap();
        named += usize::from(!is_whole_or_named(&path, &format!("byte {at}")).await);
    }
    assert!(named > 30, "damage is noticed: {named}");
    for length in [1, 100, 4096, good.len() / 2, good.len() - 1] {
        fs::write(&path, &good[..length]).unwrap();
        assert!(!is_whole_or_named(&path, &format!("cut to {length}")).await);
    }
    fs::write(&path, "this is a letter, not a store\n".repeat(500)).unwrap();
    let error = DiskStorage::open(&path).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("{} is damaged: ", path.display())), "{error}");
    assert!(error.ends_with("or remove it and let the node start blank"), "{error}");
}

#[tokio::test]
async fn a_file_belongs_to_one_store_and_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let first = DiskStorage::open(&path).await.unwrap();
    let error = DiskStorage::open(&path).await.unwrap_err();
    assert!(matches!(error, StorageError::InUse(_)), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(first);
    DiskStorage::open(&path).await.unwrap();
    let nowhere = DiskStorage::open(folder.path().join("no/such/folder")).await.unwrap_err();
    assert!(matches!(nowhere, StorageError::Io { .. }), "{nowhere}");
    assert!(nowhere.to_string().contains("no/such/folder"), "{nowhere}");
}

#[tokio::test]
async fn many_writers_at_once_are_all_kept_and_a_large_one_hurts_no_small_one() {
    let mut disk = Disk::default();
    let store = disk.store().await.unwrap();
    let one = |number: u32| store.write(Batch::new().put(number.to_string(), "x"));
    join_all((0..200).map(one)).await.into_iter().for_each(|done| done.unwrap());
    disk.room(Some(1 << 20));
    let large = store.write(Batch::new().put("large", vec![0; 8 << 20]));
    let (first, refused, small) = futures::join!(one(200), large, join_all((201..220).map(one)));
    first.unwrap();
    assert!(matches!(refused, Err(StorageError::Full(_))), "{refused:?}");
    small.into_iter().for_each(|done| done.unwrap());
    assert_eq!(store.scan("0".into().."~".into(), 999).await.unwrap().len(), 220);
}
