//! `ais sam run`: supervises a program, whether it knows of that or not.

use crate::{Failure, args::SamRun};
use ais_client::Endpoint;
use ais_sam::{AisNode, BackOff, GiveUp, KilledStatus, Limit, Options, Sam, adopt};
use ais_types::Error;
use rustix::process::Signal;
use std::{
    io,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
    sync::Arc,
    time::Duration,
};

/// Doubling ends here, and begins anew for a program that lived as long.
const BACK_OFF_LONGEST: Duration = Duration::from_secs(30);

/// For the program: its number, and how the life before ended.
const INSTANCE_VARIABLE: &str = "AIS_SAM_INSTANCE";
const LAST_DEATH_VARIABLE: &str = "AIS_SAM_LAST_DEATH";

/// The shell's statuses for a program that cannot be run, and for one that is not there.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Supervises the program. Returns only if that cannot begin; the supervisor exits with the status of the
/// program's last life.
pub(crate) fn run(run: &SamRun, endpoint: Option<Endpoint>) -> Result<ExitCode, Failure> {
    let mut sam = Sam::builder().options(options(run)).warn_signal(run.warn_signal);
    sam = if run.quit { sam.quit() } else { sam.restart() };
    if let Some(interval) = run.interval {
        sam = sam.interval(interval);
    }
    if run.quorum {
        sam = sam.quorum();
    }
    if run.publish {
        sam = sam.published();
    }
    let node = endpoint.map_or(AisNode::FROM_ENVIRONMENT, AisNode::at);
    let mut instance = sam.connector(Arc::new(node)).register().map_err(refused)?;
    // From here on this is the process that becomes the program.
    let (program, arguments) = run.program.split_first().expect("clap asks for one");
    let (variable, line) = adopt::offer().map_err(refused)?;
    let mut command = Command::new(program);
    command.args(arguments).env(variable, line);
    command.env(INSTANCE_VARIABLE, instance.number().to_string());
    if let Some(death) = instance.last_death() {
        command.env(LAST_DEATH_VARIABLE, death.to_string());
    }
    // Waits for quorum, if that was asked for; watched until it is known that there is no program.
    let watched = instance.start().map_err(refused)?;
    let error = command.exec();
    eprintln!("ais: {}: {error}", program.to_string_lossy());
    watched.stop().map_err(refused)?;
    let missing = error.kind() == io::ErrorKind::NotFound;
    Ok(ExitCode::from(if missing { NOT_FOUND } else { NOT_EXECUTABLE }))
}

fn refused(error: ais_sam::Error) -> Failure {
    Failure::Ais(Error::new(error.code(), error.to_string()))
}

fn options(run: &SamRun) -> Options {
    Options {
        executes: true,
        success_ends: run.until_success,
        killed: KilledStatus::Shell,
        bound: true,
        pass_signals: true,
        back_off: run.back_off.map(|first| BackOff {
            first,
            longest: BACK_OFF_LONGEST.max(first),
            reset_after: BACK_OFF_LONGEST,
        }),
        limit: run.restarts.map(|restarts| Limit {
            restarts,
            within: run.within,
            then: GiveUp::Quit,
        }),
        ..Options::default()
    }
}

/// A time as people write it: `500ms`, `2s`, `1m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("write a number and ms, s, m or h, as 500ms".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| format!("{number:?} is no number"))?;
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or_else(|| "nobody waits so long".to_owned())
}

/// A signal as people write it: `TERM`, `SIGTERM` or `15`.
pub(crate) fn signal(text: &str) -> Result<i32, String> {
    let named = text.strip_prefix("SIG").unwrap_or(text);
    let named = SIGNALS.iter().find(|(name, _)| *name == named).map(|(_, signal)| signal.as_raw());
    let number = || text.parse().ok().filter(|it| (1..=LAST_SIGNAL).contains(it));
    named.or_else(number).ok_or_else(|| {
        let names: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
        format!("write {} or a number from 1 to {LAST_SIGNAL}", names.join(", "))
    })
}

/// Those that somebody might want to be warned with.
const SIGNALS: &[(&str, Signal)] = &[
    ("TERM", Signal::TERM),
    ("INT", Signal::INT),
    ("HUP", Signal::HUP),
    ("QUIT", Signal::QUIT),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("KILL", Signal::KILL),
];

/// The last real-time signal of Linux.
const LAST_SIGNAL: i32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, number) in [("TERM", 15), ("SIGTERM", 15), ("15", 15), ("USR1", 10), ("64", 64)]
        {
            assert_eq!(signal(text), Ok(number), "{text:?}");
        }
        for text in ["", "0", "65", "-1", "term", "SIG", "SIG15", "CHLD"] {
            assert!(signal(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn times_are_a_number_and_a_unit() {
        for (text, milliseconds) in
            [("500ms", 500), ("2s", 2000), ("1m", 60_000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in ["", "500", "ms", "5 s", "-1s", "1.5s", "18446744073709551615h", "5d"] {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }
}
