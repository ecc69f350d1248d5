//! The calls of SAM, in the shape of C: each answers with its number.

use super::{number, say};
use ais_sam::{BackOff, GiveUp, KilledStatus, Limit, Options, c, raw};
use std::{
    ffi::c_int,
    ptr,
    sync::atomic::{AtomicI32, Ordering},
    time::Duration,
};

/// How often the callback was asked, in this instance.
static ASKED: AtomicI32 = AtomicI32::new(0);

pub(crate) fn call(words: &[&str]) -> Option<String> {
    let code = match *words {
        ["initialize", interval, policy] => c::initialize(number(interval), number(policy)),
        ["register"] => return Some(register()),
        // SAFETY: as below; null is allowed.
        ["register-null"] => unsafe { c::register(ptr::null_mut()) },
        ["start"] => c::start(),
        ["stop"] => c::stop(),
        ["finalize"] => c::finalize(),
        ["hc"] => c::hc_send(),
        ["mark-failed"] => c::mark_failed(),
        ["callback", which] => c::hc_callback_register(callback(which)),
        ["warn", signal] => c::warn_signal_set(number(signal)),
        ["getsize"] => return Some(getsize()),
        // SAFETY: null is allowed.
        ["getsize-null"] => unsafe { c::data_getsize(ptr::null_mut()) },
        ["store", text] => store(text.as_bytes()),
        ["store-much", bytes] => store(&vec![b'x'; number(bytes)]),
        // SAFETY: null is allowed, whatever the size.
        ["store-null", size] => unsafe { c::data_store(ptr::null(), number(size)) },
        ["restore", size] => return Some(restore(number(size))),
        // SAFETY: null is allowed, whatever the size.
        ["restore-null", size] => unsafe { c::data_restore(ptr::null_mut(), number(size)) },
        ["options", ref settings @ ..] => match raw::set_options(options(settings)) {
            Ok(()) => 1,
            Err(error) => i32::try_from(error.code().number()).expect("small"),
        },
        ["state"] => return Some(raw::state().to_string()),
        ["last-death"] => {
            return Some(
                raw::last_death().map_or_else(|| "none".to_owned(), |death| death.to_string()),
            );
        }
        ["asked"] => return Some(ASKED.load(Ordering::SeqCst).to_string()),
        _ => return None,
    };
    Some(code.to_string())
}

fn register() -> String {
    let mut instance = 0;
    // SAFETY: this process has one thread, or its test wants to see what becomes of that.
    let code = unsafe { c::register(&raw mut instance) };
    let (pid, parent) = (std::process::id(), std::os::unix::process::parent_id());
    format!("registered {code} instance {instance} pid {pid} parent {parent}")
}

fn store(bytes: &[u8]) -> c_int {
    // SAFETY: a slice.
    unsafe { c::data_store(bytes.as_ptr().cast(), bytes.len()) }
}

fn getsize() -> String {
    let mut size = usize::MAX;
    // SAFETY: a place for a number.
    let code = unsafe { c::data_getsize(&raw mut size) };
    if code == c::OK { format!("1 {size}") } else { code.to_string() }
}

/// The bytes as text; what was not touched is dots.
fn restore(size: usize) -> String {
    let mut bytes = vec![b'.'; size.max(1)];
    // SAFETY: a place for `size` bytes.
    let code = unsafe { c::data_restore(bytes.as_mut_ptr().cast(), size) };
    if code == c::OK { format!("1 {}", String::from_utf8_lossy(&bytes)) } else { code.to_string() }
}

fn callback(which: &str) -> Option<c::HcCallback> {
    match which {
        "null" => None,
        "well" => Some(well),
        "ten" => Some(well_ten_times),
        "sick" => Some(sick),
        "stuck" => Some(stuck),
        "deep" => Some(deep),
        other => panic!("there is no callback {other:?}"),
    }
}

extern "C" fn well() -> c_int {
    ASKED.fetch_add(1, Ordering::SeqCst);
    0
}

/// As the test program of the original has it: well ten times, and each time stored.
extern "C" fn well_ten_times() -> c_int {
    let asked = ASKED.fetch_add(1, Ordering::SeqCst) + 1;
    store(asked.to_string().as_bytes());
    say(&format!("asked {asked}"));
    c_int::from(asked > 10)
}

extern "C" fn sick() -> c_int {
    say("asked");
    1
}

extern "C" fn stuck() -> c_int {
    say("asked");
    loop {
        std::thread::park();
    }
}

/// Needs half of what the thread has for a stack.
extern "C" fn deep() -> c_int {
    let mut bytes = [1_u8; 16 << 10];
    let sum: u32 = std::hint::black_box(&mut bytes).iter().map(|it| u32::from(*it)).sum();
    say(&format!("deep {sum}"));
    0
}

fn options(settings: &[&str]) -> Options {
    let mut options = Options::default();
    for setting in settings {
        let milliseconds = |text| Duration::from_millis(number(text));
        match setting.split(['=', ',']).collect::<Vec<_>>()[..] {
            ["bound"] => options.bound = true,
            ["with-parent"] => options.with_parent = true,
            ["pass-signals"] => options.pass_signals = true,
            ["spare"] => options.spare = true,
            ["keep-memory"] => options.keep_memory = true,
            ["close-on-exec"] => options.close_on_exec = true,
            ["executes"] => options.executes = true,
            ["success-ends"] => options.success_ends = true,
            ["count-from", last] => options.count_from = number(last),
            ["shell-status"] => options.killed = KilledStatus::Shell,
            ["back-off", first, longest, reset] => {
                options.back_off = Some(BackOff {
                    first: milliseconds(first),
                    longest: milliseconds(longest),
                    reset_after: milliseconds(reset),
                });
            }
            ["limit", restarts, within, then] => {
                options.limit = Some(Limit {
                    restarts: number(restarts),
                    within: milliseconds(within),
                    then: if then == "quit" { GiveUp::Quit } else { GiveUp::MarkFailed },
                });
            }
            _ => panic!("there is no option {setting:?}"),
        }
    }
    options
}
