//! The conformance suite as a program.
#![forbid(unsafe_code)]

use ais_conformance::{Medium, implementation};
use ais_conformance_core::{
    Gaps, Implementation, Options, Outcome, ParseError, Scenario, junit, markdown, parse, run_all,
    scenarios, summary, text,
};
use clap::{Parser, ValueEnum};
use std::{env, ffi::OsString, process::ExitCode, time::Instant};

/// Judges an implementation of the Application Interface Specification.
#[derive(Parser)]
#[command(name = "ais-conformance", version)]
struct Arguments {
    /// Whom to judge.
    #[arg(long, value_enum, default_value = "sim")]
    implementation: Which,
    /// How its nodes talk to each other.
    #[arg(long, value_enum, default_value = "memory")]
    transport: Transport,
    /// Only the scenarios of this service; all services without it.
    #[arg(long)]
    service: Option<String>,
    /// Only scenarios whose identity begins so, e.g. clm/3.6; may be given several times.
    #[arg(long)]
    scenario: Vec<String>,
    /// Besides the text, a report in this form on standard output.
    #[arg(long, value_enum)]
    report: Option<Report>,
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
    let implementation = implementation_of(arguments)?;
    let gaps = gaps()?;
    let options = Options { strict: arguments.strict };
    // A report on standard output is not interrupted by the progress.
    let quiet = arguments.report.is_some();
    let mut told = |outcome: &Outcome| match quiet {
        true => eprintln!("{}", text(outcome)),
        false => println!("{}", text(outcome)),
    };
    let clock = clock();
    let outcomes = run_all(&chosen, &*implementation, &gaps, options, &clock, &mut told);
    let (line, good) = summary(&outcomes);
    match arguments.report {
        Some(Report::Junit) => print!("{}", junit(&implementation.name(), &outcomes)),
        Some(Report::Markdown) => print!("{}", markdown(&[(implementation.name(), outcomes)])),
        None => {}
    }
    println!("{line}");
    Ok(good)
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

fn implementation_of(arguments: &Arguments) -> Result<Box<dyn Implementation>, String> {
    let medium = match arguments.transport {
        Transport::Memory => Medium::Memory,
        Transport::Tcp => Medium::Tcp,
        Transport::Udp => Medium::Udp,
    };
    Ok(match arguments.implementation {
        Which::Sim => implementation::sim(medium),
        Which::Embedded => implementation::embedded(medium),
        Which::Aisd => {
            let program = env::current_exe().map_err(|error| error.to_string())?;
            implementation::aisd(medium, program)
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "how long a scenario took, for the report")]
fn clock() -> impl Fn() -> std::time::Duration {
    let begun = Instant::now();
    move || begun.elapsed()
}
