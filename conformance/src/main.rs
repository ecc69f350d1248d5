//! The conformance suite as a program.
#![forbid(unsafe_code)]

use ais_conformance::{Medium, implementation};
use ais_conformance_core::{
    Clauses, Gaps, Implementation, Options, Outcome, ParseError, Run, Scenario, clauses, coverage,
    junit, markdown, parse, run_at_once, scenarios, summary, text, vocabulary,
};
use clap::{Parser, ValueEnum};
use std::{
    collections::BTreeSet, env, ffi::OsString, num::NonZeroUsize, path::PathBuf, process::ExitCode,
    time::Instant,
};

/// Judges an implementation of the Application Interface Specification.
#[derive(Parser)]
#[command(name = "ais-conformance", version)]
struct Arguments {
    /// Whom to judge; several, one after the other, with commas in between.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "sim")]
    implementation: Vec<Which>,
    /// How its nodes talk to each other; without it tcp for aisd, and memory for the others.
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// For capi: the library of the service, ours or another's.
    #[arg(long)]
    library: Option<PathBuf>,
    /// Only the scenarios of this service; all services without it.
    #[arg(long)]
    service: Option<String>,
    /// Only scenarios whose identity begins so, e.g. clm/3.6; may be given several times.
    #[arg(long)]
    scenario: Vec<String>,
    /// How many scenarios are under way at the same time, each with a cluster of its own.
    #[arg(long, default_value_t = NonZeroUsize::MIN)]
    jobs: NonZeroUsize,
    /// Besides the text, a report in this form on standard output.
    #[arg(long, value_enum)]
    report: Option<Report>,
    /// Besides, which clauses of the specification have scenarios, and what became of those.
    #[arg(long)]
    clauses: bool,
    /// What the specification only recommends counts, too.
    #[arg(long)]
    strict: bool,
    /// Only list the scenarios.
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    /// The services in one thread, under virtual time.
    Sim,
    /// Nodes in this process.
    Embedded,
    /// Daemons with real processes.
    Aisd,
    /// The same daemons; the processes call a C library.
    Capi,
}

#[derive(Clone, Copy, ValueEnum)]
enum Transport {
    /// Within one process.
    Memory,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

#[derive(Clone, Copy, ValueEnum)]
enum Report {
    /// JUnit's XML.
    Junit,
    /// A matrix of clauses.
    Markdown,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    if let Some(end) = ais_conformance::becomes_another(&arguments) {
        return end;
    }
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let chosen = chosen(arguments)?;
    if arguments.list {
        chosen.iter().for_each(|it| println!("{:<60} {}", it.id, it.clause));
        return Ok(true);
    }
    let judged = arguments.implementation.iter().map(|it| implementation_of(*it, arguments));
    let judged: Vec<Box<dyn Implementation>> = judged.collect::<Result<_, _>>()?;
    let gaps = gaps()?;
    let options = Options { strict: arguments.strict };
    // A report on standard output is not interrupted by the progress.
    let quiet = arguments.report.is_some();
    let clock = clock();
    let mut runs = Vec::new();
    for implementation in judged {
        let mut told = |outcome: &Outcome| match quiet {
            true => eprintln!("{}", text(outcome)),
            false => println!("{}", text(outcome)),
        };
        let jobs = arguments.jobs;
        let outcomes =
            run_at_once(jobs, &chosen, &*implementation, &gaps, options, &clock, &mut told);
        runs.push(Run { implementation: implementation.name(), outcomes });
    }
    report(arguments, &chosen, &runs)
}

/// What there is to say when all is done. Whether nothing failed.
fn report(arguments: &Arguments, chosen: &[Scenario], runs: &[Run]) -> Result<bool, String> {
    let lists = lists(chosen)?;
    match arguments.report {
        Some(Report::Junit) => print!("{}", junit(runs)),
        Some(Report::Markdown) => print!("{}", markdown(&lists, runs)),
        None => {}
    }
    if arguments.clauses {
        for run in runs {
            println!("{}:", run.implementation);
            lists.iter().for_each(|list| print!("{}", coverage(list, &run.outcomes)));
        }
    }
    let all: Vec<Outcome> = runs.iter().flat_map(|it| it.outcomes.clone()).collect();
    let (line, good) = summary(&all);
    println!("{line}");
    Ok(good)
}

/// The clauses of the services that were judged.
fn lists(chosen: &[Scenario]) -> Result<Vec<Clauses>, String> {
    let services: BTreeSet<&str> = chosen.iter().filter_map(|it| it.id.split('/').next()).collect();
    services.into_iter().map(|it| clauses(it).map_err(|error| format!("{it}: {error}"))).collect()
}

fn chosen(arguments: &Arguments) -> Result<Vec<Scenario>, String> {
    let wanted = |id: &str| {
        let of_service = |service: &String| id.split('/').next() == Some(service.as_str());
        arguments.service.as_ref().is_none_or(of_service)
            && (arguments.scenario.is_empty()
                || arguments.scenario.iter().any(|it| id.starts_with(it.as_str())))
    };
    let all = scenarios().iter().filter(|(id, _)| wanted(id));
    let read: Result<Vec<Scenario>, ParseError> = all.map(|(id, text)| parse(id, text)).collect();
    let chosen = read.map_err(|error| error.to_string())?;
    match chosen.is_empty() {
        true => Err("no scenario is meant by that; --list shows them all".to_owned()),
        false => Ok(chosen),
    }
}

fn gaps() -> Result<Gaps, String> {
    let gaps = Gaps::read(include_str!("../known-gaps.toml"))?;
    let ids: Vec<&str> = scenarios().iter().map(|it| it.0).collect();
    if let Some(id) = gaps.unknown(&ids).next() {
        return Err(format!("known-gaps.toml lists {id}, and there is no such scenario"));
    }
    Ok(gaps)
}

fn implementation_of(
    which: Which,
    arguments: &Arguments,
) -> Result<Box<dyn Implementation>, String> {
    let usual = match which {
        Which::Sim | Which::Embedded => Transport::Memory,
        Which::Aisd | Which::Capi => Transport::Tcp,
    };
    let medium = match arguments.transport.unwrap_or(usual) {
        Transport::Memory => Medium::Memory,
        Transport::Tcp => Medium::Tcp,
        Transport::Udp => Medium::Udp,
    };
    // It becomes whatever is needed besides.
    let program = env::current_exe().map_err(|error| error.to_string())?;
    Ok(match which {
        Which::Sim => implementation::sim(medium),
        Which::Embedded => implementation::embedded(medium, program),
        Which::Aisd => implementation::aisd(medium, program),
        Which::Capi => {
            let library = arguments.library.as_ref().ok_or("--library says which C library")?;
            let library = library
                .canonicalize()
                .map_err(|error| format!("{}: {error}; build it first", library.display()))?;
            let service = arguments.service.as_deref().and_then(vocabulary::service);
            let service = service.ok_or("--service says whose library it is: clm or ckpt")?;
            implementation::capi(program, library, service)
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "how long a scenario took, for the report")]
fn clock() -> impl Fn() -> std::time::Duration + Sync {
    let begun = Instant::now();
    move || begun.elapsed()
}
