//! The Cluster Membership Service.

use super::{
    measure::{Sample, one_by_one},
    site::Site,
};
use crate::Failure;
use ais_client::{Clm, Session};
use ais_types::{
    Time,
    clm::{Api, Callbacks, LOCAL_NODE},
};

pub(super) fn measure(
    site: &Site,
    count: u32,
    tell: &mut impl FnMut(Sample),
) -> Result<(), Failure> {
    let at = site.here();
    let open = || Clm::<Session>::initialize(&at, "ais bench", Api::B04, Callbacks::default());
    let clm = open()?;
    tell(one_by_one("clm node-get", count, |_| {
        clm.node_get(LOCAL_NODE, Time::ONE_SECOND)?;
        Ok(())
    })?);
    tell(one_by_one("clm initialize+finalize", count / 10, |_| Ok(open()?.finalize()?))?);
    Ok(())
}
