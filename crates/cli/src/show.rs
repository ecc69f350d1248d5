//! What people see. Programs get the same as JSON.

use ais_types::{MemberId, amf, ckpt, clm, msg, node, resources::Object};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::fmt::Write;

/// What can be shown to people and to programs.
pub(crate) trait Show: Serialize {
    /// For people: lines.
    fn lines(&self) -> String;
}

/// Prints it in the form that was asked for.
pub(crate) fn show(it: &impl Show, json: bool) {
    if json {
        println!("{}", serde_json::to_string(it).expect("plain data"));
    } else {
        print!("{}", it.lines());
    }
}

/// A command whose effect is all there is to say.
#[derive(Serialize)]
pub(crate) struct Done {
    pub(crate) done: String,
}

impl Show for Done {
    fn lines(&self) -> String {
        format!("{}\n", self.done)
    }
}

impl Show for node::Status {
    fn lines(&self) -> String {
        let unknown = || "unknown".to_owned();
        let mut text = format!("cluster   {}\nnode      {}", self.cluster, self.name);
        let _ = writeln!(text, " ({})", self.id.map_or_else(unknown, |id| id.to_string()));
        let lease =
            if self.lease { "held" } else { "lost: it answers nothing and acts on nothing" };
        let _ = writeln!(text, "lease     {lease}");
        let leader = self.leader.map_or_else(unknown, |id| id.to_string());
        let _ = writeln!(text, "leader    {leader}\nservices  {}", self.services.join(" "));
        let _ = writeln!(text, "sessions  {}\n", self.sessions);
        let _ = writeln!(text, "view {}:", self.view.number);
        let rows = self.view.members.iter().map(|member| {
            let addresses = member.addresses.join(" ");
            let role = format!("{:?}", member.role).to_lowercase();
            vec![format!("  {}", member.name), member.id.to_string(), role, addresses]
        });
        text + &table(rows.collect())
    }
}

impl Show for clm::Configuration {
    fn lines(&self) -> String {
        let rows = self.nodes.iter().map(|it| {
            let node = &it.node;
            let standing = match (node.member, it.up) {
                (true, _) => format!("member since view {}", node.initial_view),
                (false, true) => "up, no member".to_owned(),
                (false, false) => "down".to_owned(),
            };
            let admin = it.admin.to_string() + if it.changing { " (under way)" } else { "" };
            let address = node.address.text.clone();
            vec![node.name.to_string(), node.id.to_string(), admin, standing, address]
        });
        format!("{}, view {}\n{}", self.name, self.view, table(rows.collect()))
    }
}

/// A change of the membership.
#[derive(Serialize)]
pub(crate) struct Seen {
    view: u64,
    changes: Vec<clm::Item>,
    cause: Option<ais_types::Name>,
    members: Vec<clm::ClusterNode>,
}

impl From<ais_client::Changed> for Seen {
    fn from(it: ais_client::Changed) -> Self {
        let ais_client::Changed { view, changes, cause, members } = it;
        Self { view, changes, cause, members: members.into_values().collect() }
    }
}

impl Show for Seen {
    fn lines(&self) -> String {
        let names: Vec<String> = self.members.iter().map(|it| it.name.to_string()).collect();
        let mut text = format!("view {}: {}\n", self.view, names.join("  "));
        for it in &self.changes {
            let change = format!("{:?}", it.change).to_lowercase();
            let cause = self.cause.as_ref().map_or_else(String::new, |it| format!(" ({it})"));
            let _ = writeln!(text, "  {} {change}{cause}", it.node.name);
        }
        text
    }
}

impl Show for Vec<ckpt::Listed> {
    fn lines(&self) -> String {
        let rows = self.iter().map(|it| {
            let replicas = it.replicas.iter().map(|replica| {
                let active = if replica.active { "*" } else { "" };
                let filling = if replica.complete { "" } else { " (filling)" };
                format!("{}{active}{filling}", replica.member)
            });
            let replicas: Vec<String> = replicas.collect();
            let unlinked = if it.unlinked { "unlinked" } else { "" };
            let users = format!("{} users", it.users);
            vec![it.name.to_string(), users, replicas.join(" "), unlinked.to_owned()]
        });
        table(rows.collect())
    }
}

impl Show for Vec<msg::Listed> {
    fn lines(&self) -> String {
        let rows = self.iter().map(|it| {
            let nobody = || "nobody".to_owned();
            let opener = it.opener.map_or_else(nobody, |process| process.to_string());
            let replica = |member: &MemberId| {
                let primary = if it.primary == Some(*member) { "*" } else { "" };
                format!("{member}{primary}")
            };
            let replicas: Vec<String> = it.replicas.iter().map(replica).collect();
            let unlinked = if it.unlinked { "unlinked" } else { "" };
            let opener = format!("opened by {opener}");
            vec![it.name.to_string(), opener, replicas.join(" "), unlinked.to_owned()]
        });
        table(rows.collect())
    }
}

impl Show for amf::State {
    fn lines(&self) -> String {
        if self.groups.is_empty() {
            return "there is no model: nothing is kept available\n".to_owned();
        }
        self.groups.iter().map(group).collect()
    }
}

fn group(group: &amf::GroupReport) -> String {
    let settled = if group.settled { "" } else { ", changing" };
    let mut text = format!("group {} ({}{settled})\n", group.name, group.admin);
    for unit in &group.units {
        let ha = unit.ha.map_or("", |ha| ha.word());
        let _ = write!(text, "  unit {} on {}: {} ", unit.name, unit.node, unit.admin);
        let _ = writeln!(text, "{} {} {} {ha}", unit.operational, unit.presence, unit.readiness);
        for it in &unit.components {
            let process = it.process.map_or_else(String::new, |(_, pid)| format!(" process {pid}"));
            let assignments = it.assignments.iter().map(|(csi, ha)| format!("{csi}={ha}"));
            let assignments: Vec<String> = assignments.collect();
            let _ = write!(text, "    component {}: {}{process}", it.name, it.presence);
            let _ = writeln!(text, " restarts {} {}", it.restarts, assignments.join(" "));
        }
    }
    for instance in &group.instances {
        let _ = write!(text, "  instance {}: {} ", instance.name, instance.admin);
        let _ = writeln!(text, "{}", instance.assignment);
    }
    text
}

impl Show for Vec<amf::Cause> {
    fn lines(&self) -> String {
        let rows = self.iter().map(|it| {
            vec![format!("#{}", it.index), it.event.clone(), format!("=> {}", it.decision)]
        });
        table(rows.collect())
    }
}

impl Show for Vec<Object> {
    fn lines(&self) -> String {
        let now_ns = monotonic_ns();
        let rows = self.iter().map(|object| {
            let [recovery, period, _, state] = values(object);
            let period = match object.poll_period {
                Some(0) => "unchecked".to_owned(),
                Some(_) | None => format!("every {period} ms"),
            };
            vec![object.pid.to_string(), state, recovery, period, heard(object, now_ns)]
        });
        table(rows.collect())
    }
}

impl Show for Object {
    fn lines(&self) -> String {
        let keys = ["recovery", "poll_period", "last_updated", "state"];
        let lines = keys.into_iter().zip(values(self));
        let line = |(key, value)| format!("resources.process.{}.{key} = {value}\n", self.pid);
        lines.map(line).collect()
    }
}

/// How long ago it was heard. The clock is the node's own: both are on one machine.
fn heard(object: &Object, now_ns: u64) -> String {
    object.last_updated.map_or_else(
        || "never heard".to_owned(),
        |at_ns| {
            let tenths = now_ns.saturating_sub(at_ns) / 100_000_000;
            format!("heard {}.{} s ago", tenths / 10, tenths % 10)
        },
    )
}

fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// Recovery, period, last sign of life and state, as text; `-` for what was never set.
fn values(object: &Object) -> [String; 4] {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    [
        or_dash(object.recovery.map(|it| it.to_string())),
        or_dash(object.poll_period.map(|it| it.to_string())),
        or_dash(object.last_updated.map(|it| it.to_string())),
        or_dash(object.state.map(|it| it.to_string())),
    ]
}

/// Columns as wide as they need to be.
pub(crate) fn table(rows: Vec<Vec<String>>) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column| rows.iter().filter_map(|row: &Vec<String>| row.get(column)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line: Vec<String> = cells.collect();
        format!("{}\n", line.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "1"], ["long", "2"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(rows.to_vec()), "a     1\nlong  2\n");
    }
}
