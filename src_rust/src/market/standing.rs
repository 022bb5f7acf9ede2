//! Whether a venue's program is still the one that its file was written for.
//!
//! An upgrade can break every quote at once. So signs of one (an account that has grown, an account
//! type or status nobody knows, a deployment newer than the one verified) put the whole venue in
//! quarantine: its pools are set aside until an operator has looked and released it.

use std::fmt;
use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::decoders::{self, DecodeError, Fields};
use crate::pda;
use crate::quantities::{Pubkey, Slot};
use crate::venues::{Layout, VENUES, Venue};

/// The loader that owns upgradable programs and their data accounts.
pub const UPGRADEABLE_LOADER: Pubkey = decoders::address("BPFLoaderUpgradeab1e11111111111111111111111");

/// Signs kept per venue; what comes after them adds nothing.
const MAX_SIGNS: usize = 16;

/// Something that the program did not do when its venue's file was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// An account type that is not in the venue's list.
    UnknownAccount {
        /// Its first eight bytes.
        discriminator: [u8; 8],
    },
    /// An account of a known type that has grown.
    LongerAccount {
        /// The type.
        layout: &'static str,
        /// Its length in bytes.
        found: usize,
    },
    /// A status that is not in the venue's list.
    UnknownStatus {
        /// The account type.
        account: &'static str,
        /// The value.
        value: String,
    },
    /// The program was deployed anew.
    Upgraded {
        /// The program.
        program: Pubkey,
        /// Slot of the deployment.
        slot: Slot,
        /// Slot of the deployment that was verified, or first seen.
        verified: Slot,
    },
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAccount { discriminator } => {
                f.write_str("an account of unknown type ")?;
                discriminator.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::LongerAccount { layout, found } => {
                write!(f, "{layout} account of {found} bytes, longer than known")
            }
            Self::UnknownStatus { account, value } => write!(f, "{account} with unknown status {value}"),
            Self::Upgraded { program, slot, verified } => {
                write!(f, "program {program} was deployed anew in slot {slot}, verified as of {verified}")
            }
        }
    }
}

/// What is known of a venue.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The venue.
    pub venue: &'static Venue,
    /// Signs of change, in the order in which they were seen.
    pub signs: Vec<Sign>,
    /// Whether an operator lets it trade all the same.
    pub is_released: bool,
    /// Why its quotes are not believed at present: they were compared with what the program does. No
    /// release is valid for what is found after it.
    pub doubt: Option<String>,
}

impl Standing {
    /// Returns whether its pools are set aside.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.doubt.is_some() || (!self.signs.is_empty() && !self.is_released)
    }
}

/// The standing of every venue.
#[derive(Debug)]
pub(super) struct Standings {
    venues: Vec<Standing>,
    /// Slot of the deployment that counts as verified, by program.
    verified: FxHashMap<Pubkey, Slot>,
}

impl Default for Standings {
    fn default() -> Self {
        let fresh = |&venue| Standing { venue, signs: Vec::new(), is_released: false, doubt: None };
        Self { venues: VENUES.iter().map(fresh).collect(), verified: FxHashMap::default() }
    }
}

impl Standings {
    pub(super) fn all(&self) -> &[Standing] {
        &self.venues
    }

    pub(super) fn is_quarantined(&self, venue: &Venue) -> bool {
        self.venues.iter().any(|standing| standing.venue.name == venue.name && standing.is_quarantined())
    }

    /// Notes a sign; returns whether it put the venue in quarantine.
    pub(super) fn observe(&mut self, venue: &Venue, sign: Sign) -> bool {
        let Some(standing) = self.venues.iter_mut().find(|standing| standing.venue.name == venue.name) else {
            return false;
        };
        let before = standing.is_quarantined();
        if standing.signs.len() < MAX_SIGNS && !standing.signs.contains(&sign) {
            standing.signs.push(sign);
        }
        !before && standing.is_quarantined()
    }

    /// Lets a venue trade whatever was or will be seen; returns whether there is such a venue.
    pub(super) fn release(&mut self, venue: &str) -> bool {
        let found = self.venues.iter_mut().find(|standing| standing.venue.name == venue);
        found.map(|standing| (standing.is_released, standing.doubt) = (true, None)).is_some()
    }

    /// Notes that a venue's quotes are not believed, or are again; returns whether there is such a venue.
    pub(super) fn doubt(&mut self, venue: &str, reason: Option<&str>) -> bool {
        let found = self.venues.iter_mut().find(|standing| standing.venue.name == venue);
        found.map(|standing| standing.doubt = reason.map(str::to_owned)).is_some()
    }

    /// Takes the deployment in `slot` as the verified one.
    pub(super) fn verify(&mut self, program: Pubkey, slot: Slot) {
        self.verified.insert(program, slot);
    }

    /// Takes a write of a program's data account; returns the venue and the sign if it is newer than
    /// the verified deployment.
    pub(super) fn deployment(
        &mut self,
        address: &Pubkey,
        data: &[u8],
    ) -> Result<Option<(&'static Venue, Sign)>, DecodeError> {
        let Some(&(venue, program)) = PROGRAM_DATA.get(address) else { return Ok(None) };
        let slot = deployment_slot(data)?;
        let verified = *self.verified.entry(program).or_insert(slot);
        Ok((slot > verified).then_some((venue, Sign::Upgraded { program, slot, verified })))
    }
}

/// Returns the sign in an account of a known type, if there is one.
pub(super) fn length_sign(layout: &'static Layout, len: usize) -> Option<Sign> {
    use crate::venues::layout::Lengths;
    match layout.lengths {
        Lengths::Known(lengths) if lengths.iter().all(|&known| len > known) => {
            Some(Sign::LongerAccount { layout: layout.name, found: len })
        }
        _ => None,
    }
}

/// Returns the sign in a refusal to decode, if there is one.
pub(super) fn error_sign(error: &DecodeError) -> Option<Sign> {
    match error {
        // An account that is not initialised yet, or one that Anchor has just closed.
        DecodeError::UnknownDiscriminator { discriminator: [0, 0, 0, 0, 0, 0, 0, 0], .. }
        | DecodeError::UnknownDiscriminator {
            discriminator: [255, 255, 255, 255, 255, 255, 255, 255], ..
        } => None,
        DecodeError::UnknownDiscriminator { discriminator, .. } => {
            Some(Sign::UnknownAccount { discriminator: *discriminator })
        }
        DecodeError::ImpossibleField { account, field: "status", value, .. } => {
            Some(Sign::UnknownStatus { account, value: value.clone() })
        }
        _ => None,
    }
}

/// Every venue program's data account.
static PROGRAM_DATA: LazyLock<FxHashMap<Pubkey, (&'static Venue, Pubkey)>> = LazyLock::new(|| {
    let mut accounts = FxHashMap::default();
    for &venue in VENUES {
        for &program in venue.programs {
            if let Ok((address, _)) = pda::find_program_address(&[&program.0], &UPGRADEABLE_LOADER) {
                accounts.insert(address, (venue, program));
            }
        }
    }
    accounts
});

/// Returns the slot in which an upgradable program was deployed last.
///
/// # Source
/// solana-loader-v3-interface, `UpgradeableLoaderState::ProgramData`: tag 3 u32, slot u64, authority.
fn deployment_slot(data: &[u8]) -> Result<Slot, DecodeError> {
    let fields = Fields::new("ProgramData", data, 45)?;
    let tag = fields.u32(0)?;
    fields.check(tag == 3, "state", tag, "3")?;
    fields.u64(4)
}
