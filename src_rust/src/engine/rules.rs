//! A strategy's rule file and what it says of candidates.
//!
//! The one idea: the rules are asked of a candidate that the scorer lets through, so each candidate asked
//! is one tick of their indicators; one that then has to wait for fresh state is asked again. What they refuse is counted under the rule's own
//! words, over all versions of the file.

use std::fmt;
use std::sync::Arc;

use super::Engine;
use crate::jit_compiler::{Field, RefusalKind, RuleSet, Stop};
use crate::quantities::Slot;
use crate::scorer::{Assessment, Context, Prospect, Reason, Reasons, Share, TokenFlags, WHOLE};

/// What a rule can read of a candidate: name, then type and unit as [`Field::new`] takes them.
///
/// Amounts are base units of the base mint unless they say lamports. `slot` is that of the update, `age`
/// the newest slot seen minus it. `score` is [`Assessment::score`]. What is not known is neutral, as in
/// [`Context`]: `volatility` and `competition` 0, `agreement` 1, flags false; `landing` is the model's guess.
/// `depth` and `volatility` of `u32::MAX` are infinite: what reads them is refused as `not_finite`.
pub const CANDIDATE_FIELDS: [(&str, &str); 21] = [
    ("amount_in", "u64 base_units"),
    ("gross_profit", "i64 base_units"),
    ("net_profit", "i64 base_units"),
    ("cost", "u64 base_units"),
    ("gross_profit_lamports", "i64 lamports"),
    ("tip_lamports", "i64 lamports"),
    ("fee_lamports", "i64 lamports"),
    ("expected_value_lamports", "i64 lamports"),
    ("net_bps", "f64 bps"),
    ("score", "f64"),
    ("age", "u64 slots"),
    ("hops", "u64 count"),
    ("depth", "f64 bps"),
    ("volatility", "f64 bps"),
    ("competition", "f64 ratio"),
    ("agreement", "f64 ratio"),
    ("landing", "f64 ratio"),
    ("freeze_authority", "bool"),
    ("transfer_fee", "bool"),
    ("mint_authority", "bool"),
    ("slot", "u64 slots"),
];

/// Values of [`CANDIDATE_FIELDS`] as their bits.
pub type CandidateValues = [u64; CANDIDATE_FIELDS.len()];

/// Returns [`CANDIDATE_FIELDS`] as rules are compiled over them.
#[must_use]
pub fn candidate_fields() -> Vec<Field> {
    // A test proves that all can be fields.
    Field::all(CANDIDATE_FIELDS).unwrap_or_default()
}

fn bps(value: u32) -> u64 {
    let value = if value == u32::MAX { f64::INFINITY } else { f64::from(value) };
    value.to_bits()
}

fn ratio(share: Share) -> u64 {
    (f64::from(share.e4()) / f64::from(WHOLE)).to_bits()
}

/// Returns what the rules read of a candidate with so many hops, of an update at `slot`; `None` if an
/// amount is beyond 63 bits.
#[inline]
#[must_use]
pub fn candidate_values(
    prospect: &Prospect,
    assessment: &Assessment,
    hops: usize,
    slot: Slot,
) -> Option<CandidateValues> {
    let Prospect { candidate, context, stakes } = prospect;
    let Context { depth_bps, volatility_bps, competition, agreement, token_flags, landing } = *context;
    let signed = |amount: u64| i64::try_from(amount).ok().map(i64::cast_unsigned);
    let flag = |flag: TokenFlags| u64::from(token_flags.bits() & flag.bits() != 0);
    Some([
        candidate.amount_in,
        signed(candidate.gross_profit)?,
        i64::try_from(candidate.net_profit()).ok()?.cast_unsigned(),
        candidate.cost,
        signed(stakes.gross_profit_lamports)?,
        signed(stakes.tip_lamports)?,
        signed(stakes.fee_lamports)?,
        assessment.expected_value_lamports.cast_unsigned(),
        candidate.net_bps().to_bits(),
        assessment.score.to_bits(),
        candidate.age_slots,
        hops as u64,
        bps(depth_bps),
        bps(volatility_bps),
        ratio(competition),
        ratio(agreement),
        ratio(landing),
        flag(TokenFlags::FREEZE_AUTHORITY),
        flag(TokenFlags::TRANSFER_FEE),
        flag(TokenFlags::MINT_AUTHORITY),
        slot,
    ])
}

/// Rules that were compiled over other fields than [`CANDIDATE_FIELDS`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rules were compiled over {found}, field {place} is to be {expected}")]
pub struct WrongFields {
    /// The first field that differs, from 1.
    pub place: usize,
    /// What it is to be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

fn shown(field: Option<&Field>) -> String {
    let Some(field) = field else { return "no further field".to_owned() };
    format!("{} ({})", field.name, field.specification())
}

/// The rules in force.
struct InForce {
    rules: Arc<RuleSet>,
    /// Where to count: one per rule, the verdict, then one per [`RefusalKind`].
    counters: Vec<usize>,
}

/// The rules in force, and how often each has refused.
#[derive(Default)]
pub(super) struct Rules {
    in_force: Option<InForce>,
    counts: Vec<(String, u64)>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.in_force.as_ref().map(|in_force| in_force.rules.reasons());
        f.debug_struct("Rules").field("reasons", &rules).field("counts", &self.counts).finish()
    }
}

impl Rules {
    fn set(&mut self, rules: Option<Arc<RuleSet>>) -> Result<(), WrongFields> {
        if let Some(rules) = &rules {
            check(rules.fields())?;
        }
        // Versions may come and go: only words that have counted are kept.
        self.counts.retain(|&(_, count)| count > 0);
        self.in_force = rules.map(|rules| {
            let kinds = RefusalKind::ALL.iter().map(|kind| kind.name());
            let words = rules.reasons().iter().map(String::as_str).chain(kinds);
            let counters = words.map(|word| counter(&mut self.counts, word)).collect();
            InForce { rules, counters }
        });
        Ok(())
    }

    /// Returns `assessment`, which is a go, as the rules leave it: refused and counted, or with the
    /// file's score.
    #[inline]
    pub(super) fn judge(
        &mut self,
        prospect: &Prospect,
        assessment: Assessment,
        hops: usize,
        slot: Slot,
    ) -> Assessment {
        let Some(in_force) = &self.in_force else { return assessment };
        let judged = candidate_values(prospect, &assessment, hops, slot)
            .map_or(Err(None), |values| in_force.rules.evaluate(&values).map_err(Some));
        match judged {
            Ok(score) => Assessment { score: score.unwrap_or(assessment.score), ..assessment },
            Err(stop) => {
                let place = in_force.place(stop);
                if let Some((_, count)) = in_force.counters.get(place).and_then(|&at| self.counts.get_mut(at))
                {
                    *count += 1;
                }
                Assessment { reasons: Reasons::only(Reason::RefusedByRule), ..assessment }
            }
        }
    }

    /// Returns the score that the rules would leave, or in words why they would refuse. Moves no
    /// indicator and counts nothing.
    pub(super) fn explain(
        &self,
        prospect: &Prospect,
        assessment: &Assessment,
        hops: usize,
        slot: Slot,
    ) -> Result<f64, String> {
        let Some(InForce { rules, .. }) = &self.in_force else { return Ok(assessment.score) };
        let Some(values) = candidate_values(prospect, assessment, hops, slot) else {
            return Err(format!("{}: an amount is beyond 63 bits", RefusalKind::Overflow.name()));
        };
        let score = rules.peek(&values).map_err(|stop| match stop {
            Stop::Rule(rule) => format!("{}: {}", rules.reason(rule), rules.describe_rule(rule)),
            Stop::Refused(refusal) => rules.describe(refusal).0,
            Stop::WrongCount { .. } => stop.to_string(),
        })?;
        Ok(score.unwrap_or(assessment.score))
    }
}

impl InForce {
    /// Returns which counter a refusal has; without a stop an amount was beyond 63 bits.
    fn place(&self, stop: Option<Stop>) -> usize {
        let of_kind = |kind: RefusalKind| {
            let place = RefusalKind::ALL.iter().position(|&known| known == kind).unwrap_or(0);
            self.rules.reasons().len() + place
        };
        match stop {
            Some(Stop::Rule(rule)) => rule,
            Some(Stop::Refused(refusal)) => of_kind(refusal.kind),
            // `set` has compared the fields, so their number is right.
            Some(Stop::WrongCount { .. }) | None => of_kind(RefusalKind::Overflow),
        }
    }
}

fn check(found: &[Field]) -> Result<(), WrongFields> {
    let expected = candidate_fields();
    let both = (0..found.len().max(expected.len())).map(|at| (at, expected.get(at), found.get(at)));
    match both.into_iter().find(|(_, expected, found)| expected != found) {
        None => Ok(()),
        Some((at, expected, found)) => {
            Err(WrongFields { place: at + 1, expected: shown(expected), found: shown(found) })
        }
    }
}

fn counter(counts: &mut Vec<(String, u64)>, word: &str) -> usize {
    counts.iter().position(|(known, _)| known == word).unwrap_or_else(|| {
        counts.push((word.to_owned(), 0));
        counts.len() - 1
    })
}

impl Engine {
    /// Asks other rules from the next candidate on, or none. What the rules before have refused and is
    /// still open is looked at again with the next write of its pools.
    ///
    /// The set is shared: whoever else evaluates it moves the same indicators.
    ///
    /// # Errors
    /// [`WrongFields`]: they were compiled over other fields than [`candidate_fields`]; those before stay.
    pub fn set_rules(&mut self, rules: Option<Arc<RuleSet>>) -> Result<(), WrongFields> {
        self.rules.set(rules)
    }

    /// Returns the rules in force.
    #[must_use]
    pub fn rules(&self) -> Option<&Arc<RuleSet>> {
        self.rules.in_force.as_ref().map(|in_force| &in_force.rules)
    }

    /// Returns how often each rule has refused a candidate, by its words, all versions of the file
    /// together; those that never have are left out.
    pub fn rule_counts(&self) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.rules.counts.iter().filter(|&&(_, count)| count > 0);
        counts.map(|(word, count)| (word.as_str(), *count))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::jit_compiler::compile_rules;
    use crate::scorer::{Candidate, ScorerConfig, SignalScorer, Stakes};

    const PROSPECT: Prospect = Prospect {
        candidate: Candidate {
            amount_in: 1_000_000,
            gross_profit: 50_000,
            cost: 20_000,
            min_net_profit: 10_000,
            age_slots: 2,
        },
        context: Context {
            depth_bps: 7,
            volatility_bps: 3,
            competition: Share::NONE,
            agreement: Share::ALL,
            token_flags: TokenFlags::TRANSFER_FEE,
            landing: Share::ALL,
        },
        stakes: Stakes {
            gross_profit_lamports: 60_000,
            tip_lamports: 10_000,
            fee_lamports: 9_000,
            failure_lamports: 0,
        },
    };

    fn assessed(prospect: &Prospect) -> Assessment {
        SignalScorer::new(ScorerConfig::default()).assess(prospect)
    }

    fn compiled(source: &str, previous: Option<&RuleSet>) -> Arc<RuleSet> {
        Arc::new(compile_rules(source, &candidate_fields(), previous).unwrap())
    }

    fn rules(source: &str) -> Rules {
        let mut rules = Rules::default();
        rules.set(Some(compiled(source, None))).unwrap();
        rules
    }

    fn judged(rules: &mut Rules, prospect: &Prospect) -> Assessment {
        rules.judge(prospect, assessed(prospect), 3, 1_234)
    }

    fn refuse(when: &str, why: &str) -> String {
        format!("[[rule]]\nwhen = '{when}'\nrefuse = '{why}'\n")
    }

    fn counts(rules: &Rules) -> Vec<(&str, u64)> {
        let counted = rules.counts.iter().filter(|(_, count)| *count > 0);
        counted.map(|(word, count)| (word.as_str(), *count)).collect()
    }

    #[test]
    fn every_field_holds_what_its_name_says() {
        assert_eq!(candidate_fields().len(), CANDIDATE_FIELDS.len());
        let share = Share::new(2_500).unwrap();
        let flags = TokenFlags::MINT_AUTHORITY.union(TokenFlags::FREEZE_AUTHORITY);
        let context = Context { competition: share, landing: share, ..PROSPECT.context };
        let told = [
            (PROSPECT, "amount_in == 1_000_000 and gross_profit == 50_000 and cost == 20_000"),
            (PROSPECT, "net_profit == 30_000 and net_bps == 300 and hops == 3 and slot == 1234"),
            (PROSPECT, "gross_profit_lamports == 60_000 and tip_lamports == 10_000"),
            (PROSPECT, "fee_lamports == 9_000 and expected_value_lamports == 41_000"),
            (PROSPECT, "age == 2 and depth == 7 and volatility == 3 and 233 < score < 234"),
            (PROSPECT, "competition == 0 and agreement == 1 and landing == 1"),
            (PROSPECT, "transfer_fee and not freeze_authority and not mint_authority"),
            (Prospect { context, ..PROSPECT }, "competition == 0.25 and agreement == 1 and landing == 0.25"),
            (
                Prospect { context: Context { token_flags: flags, ..context }, ..PROSPECT },
                "freeze_authority and mint_authority and not transfer_fee",
            ),
        ];
        for (prospect, verdict) in told {
            let mut rules = rules(&format!("verdict = '{verdict}'"));
            assert!(judged(&mut rules, &prospect).reasons.is_go(), "{verdict}");
        }
    }

    #[test]
    fn refusals_are_counted_by_the_rules_words_over_all_versions() {
        let source = format!("{}{}", refuse("age > 5", "too_old"), refuse("net_bps > 100", "too_good"));
        let mut rules = rules(&source);
        let found = judged(&mut rules, &PROSPECT);
        assert_eq!(found.reasons, Reasons::only(Reason::RefusedByRule));
        assert_eq!(counts(&rules), [("too_good", 1)]);
        rules.set(Some(compiled("verdict = 'age > 5'", None))).unwrap();
        judged(&mut rules, &PROSPECT);
        rules.set(Some(compiled(&refuse("age >= 0", "too_good"), None))).unwrap();
        judged(&mut rules, &PROSPECT);
        rules.set(None).unwrap();
        assert!(judged(&mut rules, &PROSPECT).reasons.is_go());
        assert_eq!(counts(&rules), [("too_good", 2), ("verdict_false", 1)]);
    }

    #[test]
    fn score_of_the_file_replaces_the_scorers_and_none_keeps_it() {
        let assessment = assessed(&PROSPECT);
        let found = judged(&mut rules("score = 'number(net_profit) / 7'"), &PROSPECT);
        assert_eq!(found, Assessment { score: 30_000.0 / 7.0, ..assessment });
        assert_eq!(judged(&mut rules("verdict = 'score > 1'"), &PROSPECT), assessment);
    }

    #[test]
    fn what_has_no_value_refuses_by_its_kind_and_the_next_is_asked_as_ever() {
        let mut rules = rules("verdict = 'tip_lamports / (age - 2) > 0 and depth < 50'");
        let aged = Candidate { age_slots: 3, ..PROSPECT.candidate };
        let next = Prospect { candidate: aged, ..PROSPECT };
        let bottomless = Context { depth_bps: u32::MAX, ..PROSPECT.context };
        let huge = Candidate { gross_profit: u64::MAX, ..aged };
        let refused = [
            (PROSPECT, ("division_by_zero", 1)),
            (Prospect { context: bottomless, ..next }, ("not_finite", 1)),
            (Prospect { candidate: huge, ..next }, ("overflow", 1)),
        ];
        for (prospect, counted) in refused {
            let found = judged(&mut rules, &prospect);
            assert_eq!(found.reasons, Reasons::only(Reason::RefusedByRule), "{counted:?}");
            assert!(counts(&rules).contains(&counted), "{:?}", rules.counts);
            assert!(judged(&mut rules, &next).reasons.is_go());
        }
    }

    #[test]
    fn explaining_names_rule_and_place_and_moves_no_indicator() {
        let source = "verdict = 'lag(net_profit, 1) < 9'\n".to_owned() + &refuse("age > 1", "too_old");
        let mut strict = rules(&source);
        let told = strict.explain(&PROSPECT, &assessed(&PROSPECT), 3, 1_234);
        assert_eq!(told, Err("too_old: `age > 1` at line 3, column 9".to_owned()));
        let mut lagging = rules("verdict = 'number(lag(net_profit, 1)) < 9'");
        for _ in 0..3 {
            let told = lagging.explain(&PROSPECT, &assessed(&PROSPECT), 3, 1_234).unwrap_err();
            assert_eq!(told, "warming_up: `lag(net_profit, 1)` at line 1, column 19");
        }
        judged(&mut lagging, &PROSPECT);
        let told = lagging.explain(&PROSPECT, &assessed(&PROSPECT), 3, 1_234).unwrap_err();
        assert_eq!(told, "verdict_false: `number(lag(net_profit, 1)) < 9` at line 1, column 12");
        judged(&mut strict, &PROSPECT);
        assert_eq!((counts(&strict), counts(&lagging)), (vec![("too_old", 1)], vec![("warming_up", 1)]));
    }

    #[test]
    fn next_version_keeps_what_its_indicators_have_seen() {
        let mut rules = rules("verdict = 'lag(net_profit, 1) == net_profit'");
        judged(&mut rules, &PROSPECT);
        let before = Arc::clone(&rules.in_force.as_ref().unwrap().rules);
        let next = compiled("verdict = 'lag(net_profit, 1) == net_profit and age < 9'", Some(&before));
        rules.set(Some(next)).unwrap();
        assert!(judged(&mut rules, &PROSPECT).reasons.is_go());
    }

    #[test]
    fn rules_over_other_fields_are_refused_and_those_before_stay() {
        let mut rules = rules("verdict = 'age > 5'");
        let fields = Field::all([("amount_in", "u64 base_units"), ("gross_profit", "i64 lamports")]).unwrap();
        let other = compile_rules("verdict = 'amount_in > 5'", &fields, None).unwrap();
        let error = rules.set(Some(Arc::new(other))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the rules were compiled over gross_profit (i64 lamports), field 2 is to be gross_profit (i64 base_units)"
        );
        let few = compile_rules("verdict = 'amount_in > 5'", &candidate_fields()[..1], None).unwrap();
        assert_eq!(rules.set(Some(Arc::new(few))).unwrap_err().found, "no further field");
        assert_eq!(judged(&mut rules, &PROSPECT).reasons, Reasons::only(Reason::RefusedByRule));
    }
}
