//! The words of AMF.
//!
//! ```text
//! initialize [B.04.01] [without-terminate] [without-csi-set] [without-csi-remove]
//! component-name-get
//! register C1 [proxy=P]            unregister C1 [proxy=P]
//! ha-state-get C1 CSI1
//! response $i ok|failed|ERR_…      quiescing-complete $i ok|failed|ERR_…
//! error-report C1 COMPONENT_RESTART|42          error-clear C1
//! healthcheck-start C1 "key" framework|component COMPONENT_RESTART
//! pm-start C1                      pg-track CSI1
//! admin LOCK SU1                   state
//! ```
//!
//! An empty name is printed as `-`. The process of a component is named by `component p = C1`; its
//! environment says so.

use super::{Names, Words};
use ais_types::{
    ErrorCode, Name, Time, Version,
    amf::{
        AdminOperation, Answer, Api, Call, Callback, Callbacks, CsiDescriptor, HaState,
        HealthcheckInvocation, Recovery, Reply, State, StateDescriptor,
    },
};

pub(super) fn initialize() -> Call {
    let callbacks = Callbacks { healthcheck: true, protection_group: true, ..Callbacks::COMPONENT };
    Call::Initialize { version: Api::B04.version(), api: Api::B04, callbacks, component: None }
}

pub(super) fn call(words: &mut Words, _: &Names) -> Result<Call, String> {
    match words.next("a verb")?.as_str() {
        "initialize" => initialize_of(words),
        "component-name-get" => Ok(Call::ComponentNameGet),
        "register" => {
            let proxy = proxy(words)?;
            Ok(Call::Register { component: words.name("a component")?, proxy })
        }
        "unregister" => {
            let proxy = proxy(words)?;
            Ok(Call::Unregister { component: words.name("a component")?, proxy })
        }
        "ha-state-get" => {
            let component = words.name("a component")?;
            Ok(Call::HaStateGet { component, csi: words.name("a CSI")? })
        }
        "response" => {
            let invocation = words.number("an invocation")?;
            Ok(Call::Response { invocation, answer: answer(words)? })
        }
        "quiescing-complete" => {
            let invocation = words.number("an invocation")?;
            Ok(Call::QuiescingComplete { invocation, answer: answer(words)? })
        }
        "error-report" => {
            let component = words.name("a component")?;
            let recovery = recovery(words)?;
            Ok(Call::ErrorReport { component, detected: Time::BEGIN, recovery })
        }
        "error-clear" => Ok(Call::ErrorClear { component: words.name("a component")? }),
        "healthcheck-start" => healthcheck_start(words),
        "pm-start" => Ok(Call::PmStart { component: words.name("a component")? }),
        "pg-track" => Ok(Call::ProtectionGroupTrack { csi: words.name("a CSI")? }),
        "admin" => {
            let word = words.next("an operation")?;
            let operation = AdminOperation::from_word(&word);
            let operation = operation.ok_or_else(|| format!("{word:?} is no operation"))?;
            Ok(Call::Admin { object: words.name("an object")?, operation })
        }
        "state" => Ok(Call::State),
        other => Err(format!("AMF has no {other:?}")),
    }
}

fn initialize_of(words: &mut Words) -> Result<Call, String> {
    let callbacks = Callbacks {
        healthcheck: true,
        terminate: !words.flag("without-terminate"),
        csi_set: !words.flag("without-csi-set"),
        csi_remove: !words.flag("without-csi-remove"),
        protection_group: true,
    };
    let version = words.try_next().map_or(Ok(Api::B04.version()), |it| version(&it))?;
    // Each generation has its entry point; a program calls the one it was written for.
    let api = match (version.release, version.major) {
        (b'B', 0..=2) => Api::B01,
        (b'B', 3) => Api::B03,
        _ => Api::B04,
    };
    Ok(Call::Initialize { version, api, callbacks, component: None })
}

/// `B.04.01`.
fn version(text: &str) -> Result<Version, String> {
    let wrong = || format!("{text:?} is no version");
    let parts: Vec<&str> = text.split('.').collect();
    let [release, major, minor] = parts.as_slice() else { return Err(wrong()) };
    let [release] = release.as_bytes() else { return Err(wrong()) };
    let number = |text: &str| text.parse().map_err(|_| wrong());
    Ok(Version { release: *release, major: number(major)?, minor: number(minor)? })
}

fn proxy(words: &mut Words) -> Result<Option<Name>, String> {
    words.value("proxy").map(|it| Name::new(it).map_err(|error| error.to_string())).transpose()
}

fn answer(words: &mut Words) -> Result<Answer, String> {
    match words.next("an answer")?.as_str() {
        "ok" => Ok(None),
        "failed" => Ok(Some(ErrorCode::FailedOperation)),
        other => {
            let code = ErrorCode::ALL.iter().find(|it| it.short_name() == other);
            code.map(|it| Some(*it)).ok_or_else(|| format!("{other:?} is no answer"))
        }
    }
}

fn recovery(words: &mut Words) -> Result<u32, String> {
    let word = words.next("a recovery")?;
    let number = Recovery::from_word(&word).map(Recovery::number);
    number.or_else(|| word.parse().ok()).ok_or_else(|| format!("{word:?} is no recovery"))
}

fn healthcheck_start(words: &mut Words) -> Result<Call, String> {
    let component = words.name("a component")?;
    let key = words.bytes("a key")?;
    let invocation = match words.next("who sees to it")?.as_str() {
        "framework" => HealthcheckInvocation::Framework,
        "component" => HealthcheckInvocation::Component,
        other => return Err(format!("{other:?} sees to nothing")),
    };
    Ok(Call::HealthcheckStart { component, key, invocation, recovery: recovery(words)? })
}

/// ```text
/// OK B.04.01          ERR_VERSION B.04.01
/// OK C1               OK ACTIVE
/// OK SG=UNLOCKED SU1=UNLOCKED/ENABLED/INSTANTIATED/IN_SERVICE C1=ENABLED/INSTANTIATED
///    SI1=UNLOCKED/FULLY_ASSIGNED CSI1[C1=ACTIVE C2=STANDBY] …
/// ```
pub(super) fn reply(reply: &Reply, _: &Names) -> String {
    match reply {
        Reply::Done => "OK".to_owned(),
        Reply::Initialized(version) => format!("OK {version}"),
        Reply::VersionRefused(version) => format!("ERR_VERSION {version}"),
        Reply::ComponentName(name) => format!("OK {name}"),
        Reply::HaState(state) => format!("OK {state}"),
        Reply::State(state) => format!("OK {}", tree(state).join(" ")),
        Reply::Causes(causes) => format!("OK {} causes", causes.len()),
    }
}

fn tree(state: &State) -> Vec<String> {
    let mut text = Vec::new();
    for group in &state.groups {
        text.push(format!("{}={}", group.name, group.admin));
        for unit in &group.units {
            let states = (unit.admin, unit.operational, unit.presence, unit.readiness);
            text.push(format!("{}={}/{}/{}/{}", unit.name, states.0, states.1, states.2, states.3));
            for it in &unit.components {
                text.push(format!("{}={}/{}", it.name, it.operational, it.presence));
            }
        }
        for instance in &group.instances {
            text.push(format!("{}={}/{}", instance.name, instance.admin, instance.assignment));
            for csi in &instance.csis {
                let one = |it: &(Name, HaState)| format!("{}={}", it.0, it.1);
                let all: Vec<String> = csi.components.iter().map(one).collect();
                text.push(format!("{}[{}]", csi.name, all.join(" ")));
            }
        }
    }
    text
}

/// ```text
/// set 7 C1 CSI1 ACTIVE ADD_ONE NEW_ASSIGN active=C1 a=1 b=2
/// set 8 C2 CSI1 STANDBY ADD_ONE active=C1 rank=1 a=1 b=2
/// set 9 C1 - QUIESCED TARGET_ALL
/// remove 10 C1 - TARGET_ALL        terminate 11 C1        healthcheck 12 C1 "key"
/// ```
pub(super) fn callback(callback: &Callback, _: &Names) -> String {
    match callback {
        Callback::CsiSet { invocation, component, state, csi } => {
            format!("set {invocation} {component} {} {state} {}", named(&csi.name), detail(csi))
        }
        Callback::CsiRemove { invocation, component, csi, flags } => {
            format!("remove {invocation} {component} {} {flags}", named(csi))
        }
        Callback::Terminate { invocation, component } => {
            format!("terminate {invocation} {component}")
        }
        Callback::Healthcheck { invocation, component, key } => {
            format!("healthcheck {invocation} {component} {}", super::bytes_text(key))
        }
    }
}

fn named(name: &Name) -> String {
    if name.is_empty() { "-".to_owned() } else { name.to_string() }
}

fn detail(csi: &CsiDescriptor) -> String {
    let mut text = csi.flags.to_string();
    match &csi.detail {
        StateDescriptor::Active { transition, active } => {
            text += &format!(" {transition} active={}", named(active));
        }
        StateDescriptor::Standby { active, rank } => {
            text += &format!(" active={} rank={rank}", named(active));
        }
        StateDescriptor::None => {}
    }
    for (name, value) in &csi.attributes {
        text += &format!(" {name}={value}");
    }
    text
}
