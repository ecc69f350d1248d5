//! Keeps a counter in a checkpoint: each run goes on where the last one stopped.
//!
//! ```sh
//! cargo run --bin ais -- dev up --nodes 3
//! AIS_SOCKET=ais-dev/n1/run/ais.sock cargo run -p ais-client --example checkpoint
//! AIS_SOCKET=ais-dev/n2/run/ais.sock cargo run -p ais-client --example checkpoint
//! ```
//!
//! The checkpoint has copies on two nodes and is kept for an hour without anyone having it open:
//! kill the node that the first run talked to, and the second still finds the number.

use ais_client::{Ckpt, Endpoint, Session};
use ais_types::{
    ErrorCode, Name, Outcome, Time, Version,
    ckpt::{Callbacks, CreationAttributes, CreationFlags, OpenFlags, ReadElement, SectionId},
};

fn main() -> Outcome<()> {
    let endpoint = Endpoint::from_env();
    let version = Version::b(2, 2);
    let ckpt = Ckpt::<Session>::initialize(&endpoint, version, Callbacks::default(), "counter")?;

    let name = Name::new("safCkpt=counter,safApp=safCkptService").expect("it is short enough");
    let attributes = CreationAttributes {
        creation_flags: CreationFlags::WR_ALL_REPLICAS,
        checkpoint_size: 8,
        retention_duration: Time(3600 * Time::ONE_SECOND.0),
        max_sections: 2,
        max_section_size: 8,
        max_section_id_size: 8,
    };
    let flags = OpenFlags::CREATE | OpenFlags::READ | OpenFlags::WRITE;
    let checkpoint = ckpt.open(name, attributes, flags, Time::ONE_SECOND)?;

    let section = SectionId::new("runs").expect("it is short enough");
    let first = 0_u64.to_be_bytes().to_vec();
    match ckpt.section_create(checkpoint, section.clone(), Time::END, first) {
        Ok(_) => println!("a new counter"),
        Err(error) if error.code == ErrorCode::Exist => println!("the counter is there"),
        Err(error) => return Err(error),
    }

    let wanted = ReadElement { section: section.clone(), offset: 0, size: None };
    let found = ckpt.read(checkpoint, vec![wanted])?;
    let bytes = found[0].as_ref().try_into().expect("nobody else writes this section");
    let runs = u64::from_be_bytes(bytes) + 1;
    ckpt.overwrite(checkpoint, section, runs.to_be_bytes().to_vec())?;
    println!("this is run {runs}, and every copy knows it");
    ckpt.finalize()
}
