//! Cards: how somebody logs on at a station who has one.
//!
//! Of a card the spool keeps a keyed hash of its number ([`super::key`]). A card belongs to one user; a guest card lets its user in
//! for so many hours. What is tried is counted as with PINs: a number that nobody has costs what a name costs that nobody has, and is
//! among the wrong tries of the page.

use crate::model::authority::Right;
use crate::model::bank::{CardChange, CardNumber, MOST_GUEST_HOURS};
use crate::model::event::EventWord;
use crate::model::object::{ObjectClass, ObjectName};
use crate::model::{Call, Failure, FailureKind, ObjectId};
use crate::store::event::{Object, record};
use crate::store::pin::Wrong;
use crate::store::{self, Fallible, Lock, Tx};

use super::key::Purpose;
use super::pin::unknown;
use crate::spool::{Room, Spool};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Whose a card is.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) name: ObjectName,
    pub(super) user: ObjectId,
    /// The hash under which the card is kept.
    pub(super) card: String,
    /// The realm of names without one.
    pub(super) realm: String,
}

/// Whether a card lets its user in now.
pub(super) fn is_good(tx: &Tx<'_>, hash: &str, user: ObjectId) -> Fallible<bool> {
    let now = store::spool::seen_time(tx)?.0;
    Ok(store::card::of(tx, hash)?.is_some_and(|row| row.user == user && row.until.is_none_or(|until| now < until)))
}

impl Spool {
    /// Gives a user a card or takes it from him. Whoever may configure the spool does so; each user may take away his own.
    pub(crate) fn set_card(&self, call: &Call, user: ObjectName, change: CardChange) -> Fallible<()> {
        let class = ObjectClass::User;
        let number = match &change {
            CardChange::Add { number, hours } => {
                number.check()?;
                if hours.is_some_and(|hours| !(1..=MOST_GUEST_HOURS).contains(&hours)) {
                    let why = format!("a guest card is good for 1 to {MOST_GUEST_HOURS} hours");
                    return Err(Failure::new(FailureKind::BadValue, why));
                }
                Some(number)
            }
            CardChange::Take(number) => Some(number),
            CardChange::TakeAll => None,
        };
        // Whoever may not makes no key.
        self.look(call, |tx| {
            demand_cards_of(tx, &user, &change)?;
            store::object::by_name(tx, class, &user)?.map(drop).ok_or_else(|| unknown(&user))
        })?;
        let hash = match number {
            Some(number) => Some(self.site_key()?.hash(Purpose::Card, number.text())),
            None => None,
        };
        self.change(Room::Gives, call, move |tx| {
            demand_cards_of(tx, &user, &change)?;
            let row = store::object::to_change(tx, class, &user)?.ok_or_else(|| unknown(&user))?;
            let now = store::spool::time(tx)?.0;
            store::card::forget_over(tx, now)?;
            let said = match (&change, &hash) {
                (CardChange::Add { hours, .. }, Some(hash)) => {
                    if let Some(other) = store::card::of(tx, hash)?
                        && other.user != row.id
                    {
                        let why = "this card is the card of somebody else";
                        return Err(Failure::new(FailureKind::InUse, why)
                            .hint("pdset -c user --no-card NAME   takes it from him first"));
                    }
                    let until = hours.map(|hours| now.saturating_add(i64::from(hours).saturating_mul(HOUR_MS)));
                    store::card::add(tx, row.id, hash, until)?;
                    match hours {
                        Some(hours) => format!("a guest card was added, for {hours} h"),
                        None => "a card was added".to_owned(),
                    }
                }
                (CardChange::Take(_), Some(hash)) => {
                    if !store::card::take(tx, row.id, hash)? {
                        return Err(Failure::new(FailureKind::NotFound, format!("user {user} has no such card")));
                    }
                    "a card was taken away".to_owned()
                }
                _ => format!("{} cards were taken away", store::card::take_all(tx, row.id)?),
            };
            record(tx, Object::Kept(class, row.id), EventWord::Altered, &said)
        })
    }

    /// Finds whose a card is. One that nobody has is counted, as a name is that nobody has.
    pub(super) fn try_card(&self, call: &Call, number: &CardNumber, here: bool) -> Fallible<Option<Holder>> {
        // What can be nobody's is looked for, too: it takes as long.
        let card = self.site_key()?.hash(Purpose::Card, number.text());
        let spool = self.clone();
        self.change(Room::Gives, call, move |tx| {
            let realm = spool.directory(tx)?.realms.usual;
            tx.lock(Lock::Kept(store::pin::NOBODY))?;
            let tried = store::pin::of(tx, store::pin::NOBODY)?.map_or(0, |pin| pin.wrong(here).failures);
            let wrong = Wrong { failures: tried.wrapping_add(1), locked_until: None };
            store::pin::note(tx, store::pin::NOBODY, here, wrong)?;
            let Some(row) = store::card::of(tx, &card)? else { return Ok(None) };
            if !is_good(tx, &card, row.user)? {
                return Ok(None);
            }
            let found = store::object::by_id(tx, ObjectClass::User, row.user)?;
            Ok(found.map(|user| Holder { name: user.name, user: row.user, card: card.clone(), realm }))
        })
    }
}

fn demand_cards_of(tx: &Tx<'_>, user: &ObjectName, change: &CardChange) -> Fallible<()> {
    match change {
        // Somebody who gives himself the card of another one is taken for him.
        CardChange::Add { .. } => Spool::demand(tx, Right::Configure),
        CardChange::Take(_) | CardChange::TakeAll => super::pin::demand_pin_of(tx, user),
    }
}
