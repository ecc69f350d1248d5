//! The Checkpoint Service.

use super::{
    echo::bytes,
    measure::{Sample, one_by_one, runtime, side_by_side},
    site::Site,
};
use crate::Failure;
use ais_client::{AsyncSession, Ckpt, Endpoint, Session};
use ais_types::{
    Name, Payload, Time, Version,
    ckpt::{Callbacks, CreationAttributes, CreationFlags, OpenFlags, ReadElement, SectionId},
};

const VERSION: Version = Version::b(2, 2);
const PATIENCE: Time = Time(30 * Time::ONE_SECOND.0);
const SECTIONS: u32 = 64;

pub(super) fn measure(
    site: &Site,
    count: u32,
    tell: &mut impl FnMut(Sample),
) -> Result<(), Failure> {
    let at = site.here();
    let nodes = site.hosts();
    let kinds: &[(&str, CreationFlags)] = match nodes {
        1 => &[("", CreationFlags::WR_ALL_REPLICAS)],
        _ => &[
            (" all-replicas", CreationFlags::WR_ALL_REPLICAS),
            (" active-replica", CreationFlags::WR_ACTIVE_REPLICA),
        ],
    };
    for (kind, flags) in kinds {
        for size in [64, 1024, 65536] {
            let some = if size > 1024 { count / 10 } else { count };
            let label = format!("{} {nodes} node(s){kind}", bytes(size));
            blocking(&at, &label, *flags, size, some, tell)?;
        }
        for lanes in [16, 64] {
            let label = format!("1 KiB {nodes} node(s){kind}, {lanes} outstanding");
            pipelined(&at, &label, *flags, lanes, count * 10, tell)?;
        }
    }
    control(&at, nodes, count / 10, tell)
}

fn name(label: &str) -> Name {
    Name::new(format!("safCkpt={}", label.replace([' ', ','], "-"))).expect("it is short")
}

fn attributes(flags: CreationFlags, size: u64) -> CreationAttributes {
    let sections = SECTIONS + 1;
    CreationAttributes {
        creation_flags: flags,
        checkpoint_size: size * u64::from(sections),
        retention_duration: Time::BEGIN,
        max_sections: sections,
        max_section_size: size,
        max_section_id_size: 8,
    }
}

fn open_flags() -> OpenFlags {
    OpenFlags::CREATE | OpenFlags::READ | OpenFlags::WRITE
}

fn id(number: u32) -> SectionId {
    SectionId::new(number.to_be_bytes()).expect("it is short")
}

fn blocking(
    at: &Endpoint,
    label: &str,
    flags: CreationFlags,
    size: usize,
    count: u32,
    tell: &mut impl FnMut(Sample),
) -> Result<(), Failure> {
    let ckpt = Ckpt::<Session>::initialize(at, VERSION, Callbacks::default(), "ais bench")?;
    let name = name(label);
    let handle = ckpt.open(name.clone(), attributes(flags, size as u64), open_flags(), PATIENCE)?;
    let data = Payload::from(vec![7_u8; size]);
    for number in 0..SECTIONS {
        ckpt.section_create(handle, id(number), Time::END, data.clone())?;
    }
    tell(one_by_one(format!("ckpt overwrite {label}"), count, |number| {
        Ok(ckpt.overwrite(handle, id(number % SECTIONS), data.clone())?)
    })?);
    tell(one_by_one(format!("ckpt read {label}"), count, |number| {
        let section = id(number % SECTIONS);
        ckpt.read(handle, vec![ReadElement { section, offset: 0, size: None }])?;
        Ok(())
    })?);
    tell(one_by_one(format!("ckpt section create+delete {label}"), count / 2, |_| {
        ckpt.section_create(handle, id(SECTIONS), Time::END, data.clone())?;
        Ok(ckpt.section_delete(handle, id(SECTIONS))?)
    })?);
    ckpt.unlink(name)?;
    ckpt.close(handle)?;
    Ok(ckpt.finalize()?)
}

fn pipelined(
    at: &Endpoint,
    label: &str,
    flags: CreationFlags,
    lanes: u32,
    count: u32,
    tell: &mut impl FnMut(Sample),
) -> Result<(), Failure> {
    runtime()?.block_on(async {
        let none = Callbacks::default();
        let ckpt = Ckpt::<AsyncSession>::initialize(at, VERSION, none, "ais bench").await?;
        let name = name(label);
        let all = attributes(flags, 1024);
        let handle = ckpt.open(name.clone(), all, open_flags(), PATIENCE).await?;
        let data = Payload::from(vec![7_u8; 1024]);
        for number in 0..SECTIONS {
            ckpt.section_create(handle, id(number), Time::END, data.clone()).await?;
        }
        let (ckpt, data) = (&ckpt, &data);
        tell(
            side_by_side(format!("ckpt overwrite {label}"), lanes, count, |lane, _| async move {
                Ok(ckpt.overwrite(handle, id(lane % SECTIONS), data.clone()).await?)
            })
            .await?,
        );
        tell(
            side_by_side(format!("ckpt read {label}"), lanes, count, |lane, _| async move {
                let section = id(lane % SECTIONS);
                ckpt.read(handle, vec![ReadElement { section, offset: 0, size: None }]).await?;
                Ok(())
            })
            .await?,
        );
        ckpt.unlink(name).await?;
        ckpt.close(handle).await?;
        Ok(ckpt.finalize().await?)
    })
}

/// What goes through the group's order.
fn control(
    at: &Endpoint,
    nodes: usize,
    count: u32,
    tell: &mut impl FnMut(Sample),
) -> Result<(), Failure> {
    let ckpt = Ckpt::<Session>::initialize(at, VERSION, Callbacks::default(), "ais bench")?;
    let all = attributes(CreationFlags::WR_ALL_REPLICAS, 64);
    tell(one_by_one(format!("ckpt open+unlink+close {nodes} node(s)"), count, |number| {
        let name = name(&format!("opened{number}"));
        let handle = ckpt.open(name.clone(), all, open_flags(), PATIENCE)?;
        ckpt.unlink(name)?;
        Ok(ckpt.close(handle)?)
    })?);
    tell(one_by_one("ckpt initialize+finalize", count, |_| {
        let it = Ckpt::<Session>::initialize(at, VERSION, Callbacks::default(), "ais bench")?;
        Ok(it.finalize()?)
    })?);
    Ok(ckpt.finalize()?)
}
