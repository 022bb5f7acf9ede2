//! What each finding about a mint leads to.

use rustc_hash::FxHashSet;

use crate::quantities::Pubkey;

/// Where a mint may be traded, the lightest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Anywhere.
    Allowed,
    /// Inside of one transaction only, so that it is never held.
    AtomicOnly,
    /// Nowhere.
    Denied,
}

impl Permission {
    /// Every permission, the lightest first.
    pub const ALL: [Self; 3] = [Self::Allowed, Self::AtomicOnly, Self::Denied];

    /// Returns the stable name used in settings and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::AtomicOnly => "atomic_only",
            Self::Denied => "denied",
        }
    }

    /// Returns the permission of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal: $default:ident;)+) => {
        /// A finding about a mint. The order is that in which reasons of one weight are named.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Rule {
            $($(#[$doc])* $variant,)+
        }

        impl Rule {
            /// Every rule in order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];
            const DEFAULTS: [Permission; Self::ALL.len()] = [$(Permission::$default),+];

            /// Returns the stable name used in settings, reasons and JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

rules! {
    /// The account was never seen.
    UnknownMint = "unknown_mint": AtomicOnly;
    /// The account does not exist, or is none that a token program writes.
    UnreadableMint = "unreadable_mint": Denied;
    /// Tokens cannot be transferred.
    NonTransferable = "non_transferable": Denied;
    /// Transfers are paused now.
    Paused = "paused": Denied;
    /// New accounts are frozen until the freeze authority thaws them.
    FrozenByDefault = "frozen_by_default": Denied;
    /// A program of the issuer's choice runs in every transfer.
    TransferHook = "transfer_hook": Denied;
    /// An extension newer than this decoder; the value is its type number.
    UnknownExtension = "unknown_extension": Denied;
    /// The transfer fee in force or announced exceeds `max_transfer_fee_bps`.
    HighTransferFee = "high_transfer_fee": Denied;
    /// No pool against a mint of `min_depth` is deep enough, all pools taken together.
    LowLiquidity = "low_liquidity": AtomicOnly;
    /// Known for less than `min_age_slots`.
    TooYoung = "too_young": AtomicOnly;
    /// Somebody may move everybody's tokens.
    PermanentDelegate = "permanent_delegate": AtomicOnly;
    /// Somebody may freeze accounts.
    FreezeAuthority = "freeze_authority": AtomicOnly;
    /// Somebody may mint more.
    MintAuthority = "mint_authority": AtomicOnly;
    /// Somebody may pause transfers.
    PauseAuthority = "pause_authority": AtomicOnly;
    /// Somebody may set a transfer hook.
    TransferHookAuthority = "transfer_hook_authority": AtomicOnly;
    /// Transfers cost a fee, now or as announced.
    TransferFee = "transfer_fee": AtomicOnly;
    /// Somebody may set another transfer fee, two epochs ahead.
    TransferFeeAuthority = "transfer_fee_authority": AtomicOnly;
    /// Amounts can be encrypted.
    ConfidentialTransfer = "confidential_transfer": Allowed;
    /// Somebody may close the mint once nobody holds any.
    CloseAuthority = "close_authority": Allowed;
}

impl Rule {
    /// Returns the rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// Returns the lightest permission that the rule may lead to. What is not known is never held:
    /// whoever knows better names the mint in the allow list.
    #[must_use]
    pub const fn lightest(self) -> Permission {
        match self {
            Self::UnknownMint | Self::UnreadableMint => Permission::AtomicOnly,
            _ => Permission::Allowed,
        }
    }
}

/// Why rules cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A permission lighter than the rule may lead to.
    #[error("rules: {} is {}, it is at least {}", .rule.name(), .found.name(), .rule.lightest().name())]
    TooLight {
        /// The rule.
        rule: Rule,
        /// The permission as given.
        found: Permission,
    },
    /// A rate above the whole.
    #[error("max_transfer_fee_bps is {found}, it may be 0 to 10000")]
    TransferFee {
        /// The value as given.
        found: u16,
    },
    /// A mint with two thresholds.
    #[error("min_depth names {mint} twice")]
    DepthTwice {
        /// The mint.
        mint: Pubkey,
    },
}

/// What the operator says about mints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRules {
    /// Mints that are allowed whatever is found.
    pub allow: FxHashSet<Pubkey>,
    /// Mints that are denied whatever is found and allowed.
    pub deny: FxHashSet<Pubkey>,
    /// Greatest transfer fee in 1/10,000, in force or announced. Default 1,000.
    pub max_transfer_fee_bps: u16,
    /// Base mints with the least depth in their base units that a mint's pools against one of them have
    /// in sum. Default: none, every depth will do.
    pub min_depth: Vec<(Pubkey, u64)>,
    /// Slots for which a mint must have been known. Default 0.
    pub min_age_slots: u64,
    permissions: [Permission; Rule::ALL.len()],
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            allow: FxHashSet::default(),
            deny: FxHashSet::default(),
            max_transfer_fee_bps: 1_000,
            min_depth: Vec::new(),
            min_age_slots: 0,
            permissions: Rule::DEFAULTS,
        }
    }
}

impl TokenRules {
    /// Returns what `rule` leads to.
    #[must_use]
    pub fn permission(&self, rule: Rule) -> Permission {
        self.permissions[rule as usize]
    }

    /// Sets what `rule` leads to.
    ///
    /// # Errors
    /// [`RuleError::TooLight`].
    pub fn set(&mut self, rule: Rule, permission: Permission) -> Result<(), RuleError> {
        if permission < rule.lightest() {
            return Err(RuleError::TooLight { rule, found: permission });
        }
        self.permissions[rule as usize] = permission;
        Ok(())
    }

    /// Returns whether the numbers can be.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn check(&self) -> Result<(), RuleError> {
        if self.max_transfer_fee_bps > 10_000 {
            return Err(RuleError::TransferFee { found: self.max_transfer_fee_bps });
        }
        let mut seen = FxHashSet::default();
        match self.min_depth.iter().find(|(mint, _)| !seen.insert(*mint)) {
            Some(&(mint, _)) => Err(RuleError::DepthTwice { mint }),
            None => Ok(()),
        }
    }
}
