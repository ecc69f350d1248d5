//! Keeps a small log and its last number together: `cargo run -p ais-storage --example log`, and
//! with the name of a file behind it on disk: run it twice.

use ais_storage::{Batch, DiskStorage, MemoryStorage, Storage, StorageError};
use bytes::Bytes;

async fn append(store: &dyn Storage, text: &str) -> Result<u64, StorageError> {
    let last =
        store.read(b"last").await?.and_then(|it| Some(u64::from_be_bytes(it[..].try_into().ok()?)));
    let number = last.unwrap_or(0) + 1;
    // Both or none: the number never speaks of an entry that is not there.
    let entry = format!("entry/{number:020}");
    let last = number.to_be_bytes().to_vec();
    store.write(Batch::new().put(entry, text.to_owned()).put("last", last)).await?;
    Ok(number)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StorageError> {
    let store: Box<dyn Storage> = match std::env::args().nth(1) {
        Some(file) => Box::new(DiskStorage::open(file).await?),
        None => Box::new(MemoryStorage::new()),
    };
    for text in ["one thing", "another", "and a third"] {
        append(&*store, text).await?;
    }
    let all = Bytes::from_static(b"entry/")..Bytes::from_static(b"entry0");
    for (key, value) in store.scan(all, 100).await? {
        println!("{} = {}", String::from_utf8_lossy(&key), String::from_utf8_lossy(&value));
    }
    Ok(())
}
