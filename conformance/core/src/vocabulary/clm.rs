//! The words of CLM.
//!
//! ```text
//! initialize [B.04.01] [without-track] [without-node-get]
//! track FLAGS… [into library | into 10]    FLAGS: current changes changes-only local start-step
//!                                          validate-step flags=0x40; track-b01: of release B.01
//! track-stop
//! node-get a|local|77 10s                  node-get-b01: the function of release B.01
//! node-get-async 5 a                       5: the invocation
//! response $i ok|rejected|error
//! lock c, unlock c, shutdown c, admin 99 c    an operator's order about a node
//! remove c because NAME                       as platform management does
//! create c, delete c                          into and out of the configuration
//! modify c lock-callback-timeout 5s|execution-environment NAME
//! configuration                               OK view=3: a unlocked member, b locked up, c locked
//! ```

use super::{Names, Words, time_text};
use ais_types::{
    Name, NodeId, TrackFlags, Version,
    clm::{
        AddressFamily, AdminOperation, AdminState, Api, Attribute, Buffer, Call, Callback,
        Callbacks, Change, ClusterNode, Configuration, ConfiguredNode, Item, LOCAL_NODE,
        Notification, Reply, Response, Step, TrackCallback,
    },
};

pub(super) fn initialize() -> Call {
    let callbacks = Callbacks { node_get: true, track: true };
    Call::Initialize { api: Api::B04, version: Api::B04.version(), callbacks }
}

pub(super) fn call(words: &mut Words, names: &Names) -> Result<Call, String> {
    match words.next("a verb")?.as_str() {
        "initialize" => initialize_of(words),
        "track" => track(words, Api::B04),
        "track-b01" => track(words, Api::B01),
        "track-stop" => Ok(Call::TrackStop),
        "node-get" => node_get(words, names, Api::B04),
        "node-get-b01" => node_get(words, names, Api::B01),
        "node-get-async" => {
            let invocation = words.number("an invocation")?;
            Ok(Call::NodeGetAsync { invocation, node: node(words, names)? })
        }
        "response" => {
            let invocation = words.number("an invocation")?;
            Ok(Call::Response { invocation, response: response(words)? })
        }
        "lock" => admin(words, names, AdminOperation::LOCK),
        "unlock" => admin(words, names, AdminOperation::UNLOCK),
        "shutdown" => admin(words, names, AdminOperation::SHUTDOWN),
        "admin" => {
            let operation = AdminOperation(words.number("an operation")?);
            admin(words, names, operation)
        }
        "remove" => {
            let node = named(words, names)?;
            words.flag("because");
            Ok(Call::Remove { node, cause: words.name("a cause")? })
        }
        "create" => Ok(Call::CreateNode { node: named(words, names)? }),
        "delete" => Ok(Call::DeleteNode { node: named(words, names)? }),
        "modify" => {
            let node = named(words, names)?;
            Ok(Call::ModifyNode { node, attribute: attribute(words)? })
        }
        "configuration" => Ok(Call::Configuration),
        other => Err(format!("CLM has no {other:?}")),
    }
}

fn admin(words: &mut Words, names: &Names, operation: AdminOperation) -> Result<Call, String> {
    Ok(Call::Admin { node: named(words, names)?, operation })
}

/// A node of the scenario by the name that the services know, or any name.
fn named(words: &mut Words, names: &Names) -> Result<Name, String> {
    let word = words.next("a node")?;
    let known = names.name(&word).cloned();
    known.map_or_else(|| Name::new(&word).map_err(|error| error.to_string()), Ok)
}

fn attribute(words: &mut Words) -> Result<Attribute, String> {
    match words.next("an attribute")?.as_str() {
        "lock-callback-timeout" => Ok(Attribute::LockCallbackTimeout(words.time("how long")?)),
        "execution-environment" => Ok(Attribute::ExecutionEnvironment(words.name("a name")?)),
        other => Err(format!("{other:?} is no attribute of a node")),
    }
}

fn initialize_of(words: &mut Words) -> Result<Call, String> {
    let track = !words.flag("without-track");
    let node_get = !words.flag("without-node-get");
    let version = words.try_next().map_or(Ok(Api::B04.version()), |it| version(&it))?;
    // Each generation has its entry point; a program calls the one it was written for.
    let api = if version.release == b'B' && version.major <= 1 { Api::B01 } else { Api::B04 };
    Ok(Call::Initialize { api, version, callbacks: Callbacks { node_get, track } })
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

fn track(words: &mut Words, api: Api) -> Result<Call, String> {
    let mut flags = TrackFlags(words.number_value("flags")?.unwrap_or(0));
    for (word, flag) in [
        ("current", TrackFlags::CURRENT),
        ("changes", TrackFlags::CHANGES),
        ("changes-only", TrackFlags::CHANGES_ONLY),
        ("local", TrackFlags::LOCAL),
        ("start-step", TrackFlags::START_STEP),
        ("validate-step", TrackFlags::VALIDATE_STEP),
    ] {
        if words.flag(word) {
            flags = flags | flag;
        }
    }
    let buffer = match (words.flag("into"), words.flag("library")) {
        (false, _) => Buffer::None,
        (true, true) => Buffer::Library,
        (true, false) => Buffer::Items(words.number("how many items")?),
    };
    Ok(Call::Track { api, flags, buffer })
}

fn node_get(words: &mut Words, names: &Names, api: Api) -> Result<Call, String> {
    let node = node(words, names)?;
    let timeout = words.time("how long to wait")?;
    Ok(Call::NodeGet { api, node, timeout })
}

fn node(words: &mut Words, names: &Names) -> Result<NodeId, String> {
    let word = words.next("a node")?;
    match (word.as_str(), names.id(&word), word.parse()) {
        ("local", _, _) => Ok(LOCAL_NODE),
        (_, Some(id), _) => Ok(id),
        (_, None, Ok(number)) => Ok(NodeId(number)),
        (_, None, Err(_)) => Err(format!("{word:?} is no node")),
    }
}

fn response(words: &mut Words) -> Result<Response, String> {
    match words.next("a response")?.as_str() {
        "ok" => Ok(Response::Ok),
        "rejected" => Ok(Response::Rejected),
        "error" => Ok(Response::Error),
        other => Err(format!("{other:?} is no response")),
    }
}

/// ```text
/// OK B.04.01          ERR_VERSION B.04.01
/// OK view=3: a, b     ERR_NO_SPACE items=3
/// OK a member initial-view=1 boot=… address=inet/10.0.0.1
/// ```
pub(super) fn reply(reply: &Reply, names: &Names) -> String {
    match reply {
        Reply::Initialized(version) => format!("OK {version}"),
        Reply::VersionRefused(version) => format!("ERR_VERSION {version}"),
        Reply::Current(it) => format!("OK view={}: {}", it.view, items(it, names)),
        Reply::NoSpace(needed) => format!("ERR_NO_SPACE items={needed}"),
        Reply::Node(node) => format!("OK {}", cluster_node(node, names)),
        Reply::Configuration(it) => configuration(it, names),
        Reply::Tracked | Reply::Stopped(_) | Reply::Asked | Reply::Responded | Reply::Done => {
            "OK".to_owned()
        }
    }
}

fn configuration(it: &Configuration, names: &Names) -> String {
    let node = |it: &ConfiguredNode| {
        let admin = match it.admin {
            AdminState::Unlocked => "unlocked",
            AdminState::Locked => "locked",
            AdminState::ShuttingDown => "shutting-down",
        };
        let standing = match (it.node.member, it.up) {
            (true, _) => " member",
            (false, true) => " up",
            (false, false) => "",
        };
        let changing = if it.changing { " changing" } else { "" };
        format!("{} {admin}{standing}{changing}", names.of_name(&it.node.name))
    };
    let nodes: Vec<String> = it.nodes.iter().map(node).collect();
    format!("OK view={}: {}", it.view, nodes.join(", "))
}

/// ```text
/// track view=4 members=2: a, b, c left
/// track view=4 members=3 step=start invocation=9 supervision=5s cause=c: a, b, c left
/// node-get 5 a member …          node-get 5 ERR_NOT_EXIST
/// ```
pub(super) fn callback(callback: &Callback, names: &Names) -> String {
    match callback {
        Callback::NodeGet { invocation, node: Ok(node) } => {
            format!("node-get {invocation} {}", cluster_node(node, names))
        }
        Callback::NodeGet { invocation, node: Err(code) } => {
            format!("node-get {invocation} {}", code.short_name())
        }
        Callback::Track(it) => track_callback(it, names),
    }
}

fn track_callback(it: &TrackCallback, names: &Names) -> String {
    let mut text = format!("track view={} members={}", it.notification.view, it.members);
    if it.step != Step::Completed {
        text += &format!(" step={}", format!("{:?}", it.step).to_lowercase());
    }
    if it.invocation != 0 {
        text += &format!(" invocation={}", it.invocation);
    }
    if it.time_supervision.0 != 0 {
        text += &format!(" supervision={}", time_text(it.time_supervision));
    }
    if let Some(cause) = &it.root_cause {
        text += &format!(" cause={}", names.of_name(cause));
    }
    if let Some(error) = it.error {
        text += &format!(" {}", error.short_name());
    }
    let items = items(&it.notification, names);
    format!("{text}: {items}").trim_end().to_owned()
}

/// `a, b joined, c left`: a node alone is one whose membership did not change.
fn items(notification: &Notification, names: &Names) -> String {
    let items: Vec<String> = notification.items.iter().map(|it| item(it, names)).collect();
    items.join(", ")
}

fn item(item: &Item, names: &Names) -> String {
    let node = node_text(&item.node, names);
    // A member that left and a stranger that joined are worth a word.
    let (change, member) = match item.change {
        Change::NoChange => ("", true),
        Change::Joined => (" joined", true),
        Change::Left => (" left", false),
        Change::Reconfigured => (" reconfigured", true),
        Change::Unlock => (" unlock", true),
        Change::Shutdown => (" shutdown", false),
    };
    let contradiction = match (item.node.member, member) {
        (true, false) => " still-member",
        (false, true) => " no-member",
        (true, true) | (false, false) => "",
    };
    format!("{node}{change}{contradiction}")
}

/// The node's id and name have to belong together.
fn node_text(node: &ClusterNode, names: &Names) -> String {
    let (by_id, by_name) = (names.of_id(node.id), names.of_name(&node.name));
    if by_id == by_name { by_id } else { format!("{by_id}/{by_name}") }
}

fn cluster_node(node: &ClusterNode, names: &Names) -> String {
    let member = if node.member { "member" } else { "no-member" };
    let family = match node.address.family {
        AddressFamily::Inet => "inet",
        AddressFamily::Inet6 => "inet6",
    };
    format!(
        "{} {member} initial-view={} boot={} address={family}/{}",
        node_text(node, names),
        node.initial_view,
        node.boot_time.0,
        node.address.text
    )
}
