//! The verdict on one mint.

use super::{DefaultState, MintFacts, Permission, Rule, TokenRules};
use crate::decoders::{DecodeError, TransferFeeConfig};
use crate::quantities::{Pubkey, Slot};
use crate::swap::Value;

/// The reason of a mint that the deny list names.
const DENY_LIST: &str = "deny_list";
/// The reason of a mint that the allow list names.
const ALLOW_LIST: &str = "allow_list";
/// The reason of a mint against which no rule speaks.
const NO_OBJECTION: &str = "no_objection";

/// What is known of a mint's account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MintAccountState {
    /// It was never seen.
    #[default]
    Unseen,
    /// It does not exist.
    Absent,
    /// It is no mint that a token program writes.
    Unreadable(DecodeError),
    /// What it says.
    Known(Box<MintFacts>),
}

impl MintAccountState {
    /// Returns the state of a mint with this owner and data.
    #[must_use]
    pub fn of(owner: &Pubkey, data: &[u8]) -> Self {
        MintFacts::read(owner, data).map_or_else(Self::Unreadable, |facts| Self::Known(Box::new(facts)))
    }

    /// Returns the facts, if the account was read.
    #[must_use]
    pub fn facts(&self) -> Option<&MintFacts> {
        match self {
            Self::Known(facts) => Some(facts.as_ref()),
            _ => None,
        }
    }
}

/// How much of a base mint trades against a mint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// The base mint, one of [`TokenRules::min_depth`].
    pub base_mint: Pubkey,
    /// Its base units in all usable pools of the pair: reserves, or what lies within 2 % of the price.
    pub amount: u128,
}

/// What a verdict depends on besides the account and the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenContext<'a> {
    /// Present epoch; `None`: not known, so that the dearer of two transfer fees counts.
    pub epoch: Option<u64>,
    /// Present slot: the highest known.
    pub slot: Slot,
    /// Earliest slot in which the mint is known to have existed.
    pub since_slot: Option<Slot>,
    /// Depths; a base mint that is not named has none.
    pub depths: &'a [Depth],
}

/// Where a mint may be traded, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenVerdict {
    /// The mint.
    pub mint: Pubkey,
    /// Where it may be traded.
    pub permission: Permission,
    /// What speaks against it, the heaviest first, each with its value; for an allowed mint what speaks
    /// for it. Never empty.
    pub reasons: Vec<(&'static str, Value)>,
}

/// Returns the verdict on `mint`.
///
/// The deny list wins, the allow list comes next, then the heaviest of what the rules find. A mint of
/// [`TokenRules::min_depth`] is the measure of depth and needs none itself.
#[must_use]
pub fn judge(
    mint: Pubkey,
    account: &MintAccountState,
    rules: &TokenRules,
    context: &TokenContext<'_>,
) -> TokenVerdict {
    let listed = |permission, name| TokenVerdict { mint, permission, reasons: vec![(name, Value::None)] };
    if rules.deny.contains(&mint) {
        return listed(Permission::Denied, DENY_LIST);
    }
    if rules.allow.contains(&mint) {
        return listed(Permission::Allowed, ALLOW_LIST);
    }
    let mut found: Vec<(Rule, Value)> = Vec::new();
    match account {
        MintAccountState::Unseen => found.push((Rule::UnknownMint, Value::None)),
        MintAccountState::Absent => found.push((Rule::UnreadableMint, Value::Text("absent"))),
        MintAccountState::Unreadable(error) => {
            found.push((Rule::UnreadableMint, Value::Text(error.reason())));
        }
        MintAccountState::Known(facts) => powers(facts, rules, context.epoch, &mut found),
    }
    found.extend(shallow(mint, rules, context).map(|value| (Rule::LowLiquidity, value)));
    found.extend(young(rules, context).map(|value| (Rule::TooYoung, value)));
    found.retain(|(rule, _)| rules.permission(*rule) > Permission::Allowed);
    found.sort_by_key(|(rule, _)| (std::cmp::Reverse(rules.permission(*rule)), *rule as usize));
    let Some((heaviest, _)) = found.first() else { return listed(Permission::Allowed, NO_OBJECTION) };
    TokenVerdict {
        mint,
        permission: rules.permission(*heaviest),
        reasons: found.into_iter().map(|(rule, value)| (rule.name(), value)).collect(),
    }
}

/// Appends what the issuer can do.
fn powers(facts: &MintFacts, rules: &TokenRules, epoch: Option<u64>, found: &mut Vec<(Rule, Value)>) {
    let flags = [
        (Rule::NonTransferable, facts.is_non_transferable),
        (Rule::Paused, facts.is_paused),
        (Rule::FrozenByDefault, facts.default_state == Some(DefaultState::Frozen)),
        (Rule::ConfidentialTransfer, facts.has_confidential_transfer),
    ];
    found.extend(flags.into_iter().filter(|&(_, holds)| holds).map(|(rule, _)| (rule, true.into())));
    let hook = facts.transfer_hook;
    let somebody = [
        (Rule::TransferHook, hook.and_then(|hook| hook.program)),
        (Rule::TransferHookAuthority, hook.and_then(|hook| hook.authority)),
        (Rule::PermanentDelegate, facts.permanent_delegate),
        (Rule::FreezeAuthority, facts.freeze_authority),
        (Rule::MintAuthority, facts.mint_authority),
        (Rule::PauseAuthority, facts.pause_authority),
        (Rule::TransferFeeAuthority, facts.transfer_fee_authority),
        (Rule::CloseAuthority, facts.close_authority),
    ];
    found.extend(somebody.into_iter().filter_map(|(rule, key)| Some((rule, key?.into()))));
    found.extend(facts.unknown_extensions().map(|kind| (Rule::UnknownExtension, kind.into())));
    let Some(config) = facts.transfer_fee else { return };
    let rate = highest_rate(&config, epoch);
    if rate > 0 {
        found.push((Rule::TransferFee, config_of(&config, epoch)));
    }
    if rate > rules.max_transfer_fee_bps {
        found.push((
            Rule::HighTransferFee,
            measured(("basis_points", rate.into()), rules.max_transfer_fee_bps.into()),
        ));
    }
}

/// The greater of the rate in force and the one announced, 1/10,000.
fn highest_rate(config: &TransferFeeConfig, epoch: Option<u64>) -> u16 {
    match epoch {
        Some(epoch) if epoch >= config.newer.epoch => config.newer.basis_points,
        _ => config.older.basis_points.max(config.newer.basis_points),
    }
}

/// The fee in force and the one to come; without an epoch both are shown as they are stored.
fn config_of(config: &TransferFeeConfig, epoch: Option<u64>) -> Value {
    match epoch {
        Some(epoch) if epoch >= config.newer.epoch => config.newer.into(),
        _ => (*config).into(),
    }
}

/// Returns the depths if none of them reaches its threshold.
fn shallow(mint: Pubkey, rules: &TokenRules, context: &TokenContext<'_>) -> Option<Value> {
    let thresholds = &rules.min_depth;
    if thresholds.is_empty() || thresholds.iter().any(|(base, _)| *base == mint) {
        return None;
    }
    let depth_in = |base: Pubkey| {
        context.depths.iter().find(|depth| depth.base_mint == base).map_or(0, |depth| depth.amount)
    };
    if thresholds.iter().any(|&(base, least)| depth_in(base) >= u128::from(least)) {
        return None;
    }
    let shown = |&(base_mint, least): &(Pubkey, u64)| {
        Value::Record(
            "Depth",
            vec![
                ("base_mint", base_mint.into()),
                ("depth", depth_in(base_mint).into()),
                ("bound", least.into()),
            ],
        )
    };
    Some(Value::List(thresholds.iter().map(shown).collect()))
}

/// Returns since when the mint is known if that is not long enough. A slot, so that it stays true.
fn young(rules: &TokenRules, context: &TokenContext<'_>) -> Option<Value> {
    let is_old = |since: Slot| {
        context.slot.checked_sub(since).is_some_and(|age_slots| age_slots >= rules.min_age_slots)
    };
    if rules.min_age_slots == 0 || context.since_slot.is_some_and(is_old) {
        return None;
    }
    let since = context.since_slot.map_or(Value::None, Into::into);
    Some(measured(("since_slot", since), rules.min_age_slots.into()))
}

fn measured(found: (&'static str, Value), bound: Value) -> Value {
    Value::Record("Measured", vec![found, ("bound", bound)])
}
