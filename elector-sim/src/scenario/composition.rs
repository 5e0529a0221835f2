use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Ingredient, ScenarioError};
use crate::Rng;

/// The set of the kinds of faults that occur in one run. Each kind is in the list at most once, in
/// the order of [`Ingredient::ALL`]. The text form is for example `crash+drift+transfer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Ingredient>", into = "Vec<Ingredient>")]
pub struct Composition(Vec<Ingredient>);

/// The smallest number of ingredients (kinds of faults) that a seed draws. With fewer ingredients,
/// different faults are rarely in effect at the same time.
const MIN_INGREDIENTS: u64 = 2;
/// The largest number of ingredients (kinds of faults) that a seed draws. With more ingredients,
/// faults hide the effects of each other.
const MAX_INGREDIENTS: u64 = 6;

/// Changes the seed for the draw of a composition, so that this draw is independent of the random
/// stream of the run. A run must be the same whether its seed drew the composition or the user
/// named it.
const DRAW_SALT: u64 = 0x636f_6d70_6f73_6974;

impl Composition {
    /// Returns the composition (set of kinds of faults) that a seed draws.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ DRAW_SALT);
        let mut wanted = rng.between(MIN_INGREDIENTS, MAX_INGREDIENTS);
        let mut left = Ingredient::ALL.len() as u64;
        // Knuth, volume 2, 3.4.2, algorithm S: each subset of this size is equally likely.
        let chosen = Ingredient::ALL.iter().filter(|_| {
            let take = rng.below(left) < wanted;
            left -= 1;
            wanted -= u64::from(take);
            take
        });
        Self(chosen.map(|(_, ingredient)| *ingredient).collect())
    }

    /// Returns `true` if the composition has no ingredient, which is a kind of fault.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if the composition has this kind of fault.
    #[must_use]
    pub fn has(&self, ingredient: Ingredient) -> bool {
        self.0.contains(&ingredient)
    }

    /// Returns the ingredients, which are the kinds of faults in this composition.
    #[must_use]
    pub fn ingredients(&self) -> &[Ingredient] {
        &self.0
    }
}

impl From<Vec<Ingredient>> for Composition {
    fn from(mut ingredients: Vec<Ingredient>) -> Self {
        ingredients.sort_unstable();
        ingredients.dedup();
        Self(ingredients)
    }
}

impl From<Composition> for Vec<Ingredient> {
    fn from(composition: Composition) -> Self {
        composition.0
    }
}

impl FromStr for Composition {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let ingredients: Result<Vec<_>, _> = text.split('+').map(str::parse).collect();
        ingredients.map(Self::from)
    }
}

impl fmt::Display for Composition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(Ingredient::to_string).collect();
        f.write_str(&names.join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The command that replays a run gives the composition only by its name. So the name must parse
    // to the same composition.
    #[test]
    fn every_drawn_composition_reads_back() {
        let mut seen = [0_u32; Ingredient::ALL.len()];
        for seed in 0..500 {
            let drawn = Composition::drawn(seed);
            assert!((2..=6).contains(&drawn.ingredients().len()), "{drawn}");
            assert_eq!(drawn.to_string().parse::<Composition>().unwrap(), drawn);
            for (count, (_, ingredient)) in seen.iter_mut().zip(Ingredient::ALL) {
                *count += u32::from(drawn.has(ingredient));
            }
        }
        // Each of 500 draws has 4 of 15 kinds of faults on average, so each kind is drawn about 133
        // times.
        assert!(
            seen.iter().all(|count| (80..190).contains(count)),
            "{seen:?}"
        );
    }

    // A composition is a set, without an order and without duplicates. So two texts with the same
    // ingredients (kinds of faults) must give the same composition, and the same run.
    #[test]
    fn order_and_duplicates_do_not_matter() {
        let sets = ["drift+crash", "crash+drift", "crash+drift+crash"];
        for set in sets {
            assert_eq!(
                set.parse::<Composition>().unwrap().to_string(),
                "crash+drift"
            );
        }
    }

    // The error for a typing mistake must suggest the right name and list all names.
    #[test]
    fn errors_for_unknown_ingredients_suggest_the_most_similar_name() {
        for (text, expected) in [
            ("crash+trnsfer", "did you mean \"transfer\""),
            ("crash+", "late-message"),
            ("", "late-message"),
            ("xyzzy", "late-message"),
        ] {
            let error = text.parse::<Composition>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
