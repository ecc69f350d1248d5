//! `ais-capi-install`: builds the C libraries and installs them.
#![forbid(unsafe_code)]

use ais_capi_install::Plan;
use clap::Parser;
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Installs libSaClm, libSaCkpt and libsam with headers and pkg-config files.
#[derive(Parser)]
#[command(name = "ais-capi-install", version)]
struct Arguments {
    /// Where programs will find them.
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
    /// The folder of libraries below the prefix, e.g. lib/x86_64-linux-gnu.
    #[arg(long, default_value = "lib")]
    libdir: PathBuf,
    /// Put before every path that is written, for packagers.
    #[arg(long)]
    destdir: Option<PathBuf>,
    /// A folder with libraries that were built before; without it they are built now, as a release.
    #[arg(long)]
    from: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let from = arguments.from.map_or_else(build, Ok)?;
    let prefix = std::path::absolute(&arguments.prefix).map_err(|error| error.to_string())?;
    let (libdir, destdir) = (arguments.libdir, arguments.destdir);
    let plan = Plan { prefix, libdir, destdir, from };
    let written = plan.carry_out().map_err(|error| error.to_string())?;
    written.iter().for_each(|it| println!("{}", it.display()));
    Ok(())
}

/// Builds the libraries, and says where they are.
fn build() -> Result<PathBuf, String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let workspace = workspace.ok_or("the workspace is not where it was built")?;
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--lib"])
        .args(["-p", "ais-capi-clm", "-p", "ais-capi-ckpt", "-p", "ais-capi-sam"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(workspace)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    match built.success() {
        true => Ok(target.join("release")),
        false => Err("the libraries could not be built".to_owned()),
    }
}
