//! Chance that can be repeated, and how long the long form of a test is.

/// Small numbers that look random and are the same for the same seed.
pub struct Dice(u64);

impl Dice {
    /// Seeded by the variable `SEED`, which a failing run prints, or by `default`.
    pub fn new(default: u64) -> Self {
        let seed = number("SEED", default);
        eprintln!("SEED={seed}");
        Self(seed | 1)
    }

    /// 0 to `sides` − 1.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// A number from the environment: how long the long form of a test is.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
