//! The safe face, as programs in Rust use it.

use super::number;
use ais_sam::{Instance, Sam};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

static INSTANCE: Mutex<Option<Instance>> = Mutex::new(None);

fn instance() -> MutexGuard<'static, Option<Instance>> {
    INSTANCE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn call(words: &[&str]) -> Option<String> {
    let said = match *words {
        ["face-register", milliseconds] => return Some(register(number(milliseconds))),
        ["face-store", value] => {
            with(|it| it.store(&number::<u64>(value)).map(|()| "stored".into()))
        }
        ["face-forget"] => with(|it| it.forget().map(|()| "forgotten".into())),
        ["face-restore"] => with(|it| it.restore::<u64>().map(|value| format!("{value:?}"))),
        ["face-restore-text"] => {
            with(|it| it.restore::<String>().map(|value| format!("{value:?}")))
        }
        ["face-start"] => with(|it| {
            std::mem::forget(it.start()?);
            Ok("started".into())
        }),
        // The guard goes out of scope.
        ["face-work"] => with(|it| it.start()?.beat().map(|()| "worked".into())),
        ["face-panic"] => with(|it| {
            let _health = it.start()?;
            panic!("as the test wants it")
        }),
        ["face-asked", well] => {
            let well = well == "well";
            with(|it| {
                std::mem::forget(it.start_asked(move || well)?);
                Ok("started".into())
            })
        }
        ["face-asked-panics"] => with(|it| {
            std::mem::forget(it.start_asked(|| panic!("as the test wants it"))?);
            Ok("started".into())
        }),
        _ => return None,
    };
    Some(said)
}

fn register(milliseconds: u64) -> String {
    let mut sam = Sam::builder().restart();
    if milliseconds > 0 {
        sam = sam.interval(Duration::from_millis(milliseconds));
    }
    match sam.register() {
        Ok(it) => {
            let (pid, parent) = (std::process::id(), std::os::unix::process::parent_id());
            let said = format!("registered 1 instance {} pid {pid} parent {parent}", it.number());
            *instance() = Some(it);
            said
        }
        Err(error) => format!("{} {error}", error.code()),
    }
}

fn with(call: impl FnOnce(&mut Instance) -> Result<String, ais_sam::Error>) -> String {
    let mut instance = instance();
    let it = instance.as_mut().expect("registered");
    call(it).unwrap_or_else(|error| error.code().to_string())
}
