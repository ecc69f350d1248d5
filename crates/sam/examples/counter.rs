//! Counts, and goes on where it was when it is killed:
//!
//! ```sh
//! cargo run -p ais-sam --example counter
//! kill -9 THE_NUMBER_IT_SAYS
//! ```

use ais_sam::{BackOff, Sam};
use std::{thread, time::Duration};

fn main() -> Result<(), ais_sam::Error> {
    let mut instance = Sam::builder()
        .restart()
        .interval(Duration::from_secs(1))
        .back_off(BackOff {
            first: Duration::from_millis(10),
            longest: Duration::from_secs(5),
            reset_after: Duration::from_secs(10),
        })
        .bound()
        .pass_signals()
        .register()?;
    println!("instance {} is process {}", instance.number(), std::process::id());
    if let Some(death) = instance.last_death() {
        println!("the one before: {death}");
    }
    let mut count: u64 = instance.restore()?.unwrap_or(0);
    let health = instance.start()?;
    while count < 1000 {
        count += 1;
        println!("{count}");
        health.store(&count)?;
        health.beat()?;
        thread::park_timeout(Duration::from_millis(250));
    }
    Ok(())
}
