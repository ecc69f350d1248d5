//! From the command line to what is done.

use crate::{
    Failure,
    args::{Ais, Amf, Cert, CertInit, Clm, Command, Common, Cut, Dev, Msg, Sam},
    ask, bench, cert, ckpt, cluster, demo,
    dev::{Cluster, Lifetime, PATIENCE, Plan},
    sam,
    show::{Done, Seen, show},
};
use ais_client::{Endpoint, SOCKET_VARIABLE};
use ais_types::{
    Error, ErrorCode, Time,
    amf::AdminOperation,
    clm::{AdminOperation as ClmOperation, Attribute},
    node::Fault,
};
use clap::Parser;
use serde::Serialize;
use std::{env, ffi::OsString, fs, path::Path, process::ExitCode};

/// What `ais` does with these arguments, its own name being the first.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    // Before anything else: a keeper has one thread.
    if aisd::keeper::is_asked_for(&arguments) {
        return aisd::keep();
    }
    let Ais { common, command } = Ais::parse_from(arguments);
    let done = match command {
        Command::Node(arguments) => return aisd::run(&arguments),
        Command::Example { name, rest: _ } => return example(&name),
        Command::Demo(demo) => {
            return demo::main(demo.keep.as_deref(), demo.transport, common.json);
        }
        Command::Echo { bytes } => return bench::answer_echoes(bytes),
        Command::BenchMember(place) => return bench::be_member(&place),
        Command::Bench(it) => bench::main(&it, |sample| show(&sample, common.json)),
        Command::Dev(dev) => run_dev(dev, &common),
        Command::Cert(cert) => run_cert(&cert, &common),
        Command::Status => show_asked(&common, ask::status),
        Command::Cluster(order) => cluster::run(order, &common),
        Command::Amf(amf) => run_amf(amf, &common),
        Command::Ckpt(command) => {
            endpoint(&common).and_then(|at| ckpt::run(command, &at, common.json))
        }
        Command::Msg(Msg::List) => show_asked(&common, ask::queues),
        Command::Clm(clm) => run_clm(clm, &common),
        Command::Sam(sam) => match run_sam(sam, &common) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => complain(&failure, common.json),
    }
}

/// Says what went wrong: to people, or to programs too.
pub(crate) fn complain(failure: &Failure, json: bool) -> ExitCode {
    #[derive(Serialize)]
    struct Complaint {
        error: String,
        code: Option<&'static str>,
    }
    if json {
        let code = match failure {
            Failure::Ais(error) => Some(error.code.c_name()),
            Failure::Config(_)
            | Failure::Overdue(_)
            | Failure::File { .. }
            | Failure::Ended { .. }
            | Failure::Usage(_) => None,
        };
        let complaint = Complaint { error: failure.to_string(), code };
        println!("{}", serde_json::to_string(&complaint).expect("plain data"));
    }
    eprintln!("ais: {failure}");
    ExitCode::FAILURE
}

/// Becomes a tutorial.
fn example(name: &str) -> ExitCode {
    let ended = match name {
        "csa103" => ais_examples::csa103::run(),
        "csa104" => ais_examples::csa104::run(),
        other => {
            eprintln!("ais: there is no tutorial {other:?}");
            return ExitCode::FAILURE;
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Where the node is that is asked.
pub(crate) fn endpoint(common: &Common) -> Result<Endpoint, Failure> {
    if let Some(path) = &common.socket {
        return Ok(Endpoint::Path(path.clone()));
    }
    if let Some(name) = &common.node {
        let cluster = Cluster::open(&common.dir)?;
        cluster.node(name)?;
        return Ok(cluster.endpoint(name));
    }
    let developed = common.dir.join("cluster.json").exists();
    if env::var_os(SOCKET_VARIABLE).is_some() || !developed {
        return Ok(Endpoint::from_env());
    }
    let cluster = Cluster::open(&common.dir)?;
    let running = cluster.nodes.iter().find(|node| cluster.process(&node.name).is_some());
    let running = running.ok_or_else(|| {
        Failure::Usage("no node of this cluster runs; start it with `ais dev up`".to_owned())
    })?;
    Ok(cluster.endpoint(&running.name))
}

fn show_asked<T: crate::show::Show>(
    common: &Common,
    ask: impl FnOnce(&Endpoint) -> Result<T, Error>,
) -> Result<(), Failure> {
    show(&ask(&endpoint(common)?)?, common.json);
    Ok(())
}

fn run_amf(amf: Amf, common: &Common) -> Result<(), Failure> {
    let (object, operation) = match amf {
        Amf::State => return show_asked(common, ask::amf_state),
        Amf::Explain(it) => return show_asked(common, |at| ask::explain(at, &it.object)),
        Amf::Lock(it) => (it.object, AdminOperation::Lock),
        Amf::Unlock(it) => (it.object, AdminOperation::Unlock),
        Amf::LockInstantiation(it) => (it.object, AdminOperation::LockInstantiation),
        Amf::UnlockInstantiation(it) => (it.object, AdminOperation::UnlockInstantiation),
        Amf::Shutdown(it) => (it.object, AdminOperation::Shutdown),
        Amf::Repaired(it) => (it.object, AdminOperation::Repaired),
    };
    match ask::admin(&endpoint(common)?, &object, operation) {
        Ok(()) => say(common, format!("{operation} {object}: done")),
        // What was wanted is the case.
        Err(Error { code: ErrorCode::NoOp, .. }) => {
            say(common, format!("{operation} {object}: it is so already"))
        }
        Err(error) => Err(error.into()),
    }
}

fn run_clm(clm: Clm, common: &Common) -> Result<(), Failure> {
    let (node, operation) = match clm {
        Clm::Nodes => return show_asked(common, ask::nodes),
        Clm::Watch => return watch(common),
        Clm::Unlock(it) => (it.node, ClmOperation::UNLOCK),
        Clm::Lock(it) => (it.node, ClmOperation::LOCK),
        Clm::Shutdown(it) => (it.node, ClmOperation::SHUTDOWN),
        Clm::Remove { node, cause } => {
            let membership = ask::membership(&endpoint(common)?)?;
            membership.remove(ask::name(&node)?, ask::name(&cause)?)?;
            return say(common, format!("remove {node}: done"));
        }
        Clm::Create(it) => {
            ask::membership(&endpoint(common)?)?.create_node(ask::name(&it.node)?)?;
            return say(common, format!("create {}: done", it.node));
        }
        Clm::Delete(it) => {
            ask::membership(&endpoint(common)?)?.delete_node(ask::name(&it.node)?)?;
            return say(common, format!("delete {}: done", it.node));
        }
        Clm::Set { node, lock_callback_timeout_ms, execution_environment } => {
            let membership = ask::membership(&endpoint(common)?)?;
            let name = ask::name(&node)?;
            if let Some(millis) = lock_callback_timeout_ms {
                let timeout = Time(i64::from(millis) * Time::ONE_MILLISECOND.0);
                membership.modify_node(name.clone(), Attribute::LockCallbackTimeout(timeout))?;
            }
            if let Some(environment) = execution_environment {
                let environment = Attribute::ExecutionEnvironment(ask::name(&environment)?);
                membership.modify_node(name, environment)?;
            }
            return say(common, format!("set {node}: done"));
        }
    };
    let name = ask::name(&node)?;
    match ask::membership(&endpoint(common)?)?.admin(name, operation) {
        Ok(()) => say(common, format!("{operation} {node}: done")),
        // What was wanted is the case.
        Err(Error { code: ErrorCode::NoOp, .. }) => {
            say(common, format!("{operation} {node}: it is so already"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Until the node ends, or the reader does.
fn watch(common: &Common) -> Result<(), Failure> {
    for change in ask::watch(&endpoint(common)?)? {
        show(&Seen::from(change?), common.json);
    }
    Ok(())
}

fn run_sam(sam: Sam, common: &Common) -> Result<ExitCode, Failure> {
    match sam {
        Sam::Run(run) => {
            let endpoint = (run.quorum || run.publish).then(|| endpoint(common)).transpose()?;
            return sam::run(&run, endpoint);
        }
        Sam::List => show_asked(common, ask::resources)?,
        Sam::Show { pid } => show_asked(common, |at| ask::resource(at, pid))?,
        Sam::Forget { pid } => {
            ask::forget(&endpoint(common)?, pid)?;
            say(common, format!("what process {pid} has published is removed"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run_dev(dev: Dev, common: &Common) -> Result<(), Failure> {
    match dev {
        Dev::Up {
            nodes,
            names,
            witness,
            transport,
            durability,
            certs,
            model,
            failure_timeout_ms,
            log,
        } => {
            let numbered = (1..=nodes).map(|number| format!("n{number}"));
            let hosts: Vec<String> = if names.is_empty() { numbered.collect() } else { names };
            let model = model.map(|file| read(&file)).transpose()?;
            let plan = Plan::new(hosts.iter().map(String::as_str));
            let plan = Plan { witness, transport, durability, certs, model, ..plan };
            up(common, &Plan { failure_timeout_ms, log, ..plan })
        }
        Dev::Kill { node } => {
            Cluster::open(&common.dir)?.kill(&node)?;
            say(common, format!("node {node} was killed"))
        }
        Dev::Stop { node } => {
            Cluster::open(&common.dir)?.stop(&node)?;
            say(common, format!("node {node} has left"))
        }
        Dev::Start { node } => {
            let cluster = Cluster::open(&common.dir)?;
            let process = cluster.start(&node, Lifetime::Own)?;
            cluster.wait_up(&node, &process)?;
            cluster.wait_formed(PATIENCE)?;
            say(common, format!("node {node} runs, as process {}", process.pid()))
        }
        Dev::Cut(cut) => set_fault(common, &cut, Some(Fault::Cut)),
        Dev::CutOneWay(cut) => set_fault(common, &cut, Some(Fault::CutOneWay)),
        Dev::Slow { cut, ms } => set_fault(common, &cut, Some(Fault::Slow(ms))),
        Dev::Heal(cut) => set_fault(common, &cut, None),
        Dev::Down => {
            Cluster::open(&common.dir)?.down()?;
            say(common, "all nodes have ended".to_owned())
        }
    }
}

fn set_fault(common: &Common, cut: &Cut, fault: Option<Fault>) -> Result<(), Failure> {
    let cluster = Cluster::open(&common.dir)?;
    cluster.set_fault(&cut.node, cut.from.as_deref(), fault)?;
    let from = cut.from.as_deref().unwrap_or("all others");
    let done = match fault {
        Some(Fault::Cut) => format!("{} is cut off from {from}", cut.node),
        Some(Fault::CutOneWay) => match &cut.from {
            Some(from) => format!("{} is not heard by {from}", cut.node),
            None => format!("{} is heard by none of the others", cut.node),
        },
        Some(Fault::Slow(ms)) => format!("{} and {from} are {ms} ms apart, at least", cut.node),
        None => format!("nothing is wrong between {} and {from}", cut.node),
    };
    say(common, done)
}

fn run_cert(cert: &Cert, common: &Common) -> Result<(), Failure> {
    let written = match cert {
        Cert::Init(CertInit { certs, days }) => cert::init(certs, *days)?,
        Cert::Node { name, common: CertInit { certs, days } } => cert::node(certs, name, *days)?,
    };
    let [certificate, key] = written.map(|path| path.display().to_string());
    say(common, format!("{certificate} and {key} were made; nobody else may read the key"))
}

fn up(common: &Common, plan: &Plan) -> Result<(), Failure> {
    let known = common.dir.join("cluster.json").exists();
    let cluster =
        if known { Cluster::open(&common.dir)? } else { Cluster::create(&common.dir, plan)? };
    let mut started = Vec::new();
    for node in &cluster.nodes {
        if cluster.process(&node.name).is_none() {
            started.push((&node.name, cluster.start(&node.name, Lifetime::Own)?));
        }
    }
    for (name, process) in &started {
        cluster.wait_up(name, process)?;
    }
    cluster.wait_formed(PATIENCE)?;
    let names: Vec<&str> = cluster.nodes.iter().map(|node| node.name.as_str()).collect();
    say(common, format!("{} run in {}", names.join(", "), cluster.folder.display()))
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(Failure::at(file))
}

pub(crate) fn say(common: &Common, done: String) -> Result<(), Failure> {
    show(&Done { done }, common.json);
    Ok(())
}
