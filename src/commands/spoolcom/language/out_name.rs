//! Where output goes: what may stand in `/OUT …/`.
//!
//! | written | means |
//! |---|---|
//! | `$S.#GROUP.DEST`, `$S.#GROUP`, `#GROUP.DEST`, `$S` | a job at that location, by way of the collector `$S` |
//! | `$DEVICE` | a job for that device |
//! | `$0` | the console of an operator: standard output |
//! | `$VOLUME.SUBVOLUME.FILE` | `guardian/volume/subvolume/file` in the directory of the spool |
//! | anything else | a file |
//!
//! All but the last may have a node before them. A name that begins with `$`, `\\` or `#` never becomes a file of that name
//! in the current directory; a path with a slash does (`./$X`).

/// A destination of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutName {
    /// A file of this system.
    File(String),
    /// A file of a NonStop system, as typed.
    Guardian(String),
    /// The console.
    Console,
    /// A job: for a device of that name, or at a location.
    Job {
        /// The node that it names.
        node: Option<String>,
        /// The name without the node.
        name: String,
    },
}

impl OutName {
    /// Reads what was typed; otherwise says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("no file name holds a NUL".into());
        }
        if text.contains('/') || !text.starts_with(['$', '\\', '#']) {
            return Ok(Self::File(text.to_owned()));
        }
        let (node, name) = match text.strip_prefix('\\') {
            None => (None, text),
            Some(rest) => match rest.split_once(".$") {
                Some((node, name)) => (Some(node.to_owned()), &rest[rest.len() - name.len() - 1..]),
                None => return Err("a name with a node is written \\NODE.$NAME".into()),
            },
        };
        let shown = || crate::model::printable::escaped(name);
        match name.trim_start_matches('$').split('.').collect::<Vec<_>>()[..] {
            _ if name.trim_start_matches(['$', '#']).is_empty() => Err(format!("{} names nothing", shown())),
            ["0"] if name.starts_with('$') => Ok(Self::Console),
            _ if name.contains('#') => Ok(Self::Job { node, name: name.to_owned() }),
            [_] => Ok(Self::Job { node, name: name.to_owned() }),
            [_, _, _] => Ok(Self::Guardian(text.to_owned())),
            _ => Err(format!("{}: a file is written $VOLUME.SUBVOLUME.FILE, a location $S.#GROUP.DEST", shown())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_destination() {
        let job =
            |node: Option<&str>, name: &str| OutName::Job { node: node.map(str::to_owned), name: name.to_owned() };
        for (text, meant) in [
            ("list", OutName::File("list".into())),
            ("./$S.#LP", OutName::File("./$S.#LP".into())),
            ("a b.txt", OutName::File("a b.txt".into())),
            ("$0", OutName::Console),
            ("$S", job(None, "$S")),
            ("$S.#LP", job(None, "$S.#LP")),
            ("$S.#LP.EAST", job(None, "$S.#LP.EAST")),
            ("#LP.EAST", job(None, "#LP.EAST")),
            ("\\ACME.x.$S.#LP", job(Some("ACME.x"), "$S.#LP")),
            ("$DATA1.OPER.LIST", OutName::Guardian("$DATA1.OPER.LIST".into())),
            ("\\ACME.$DATA1.OPER.LIST", OutName::Guardian("\\ACME.$DATA1.OPER.LIST".into())),
        ] {
            assert_eq!(OutName::read(text), Ok(meant), "{text}");
        }
        for bad in ["$", "#", "\\ACME", "$A.B", "$A.B.C.D", "a\0b"] {
            assert!(OutName::read(bad).is_err(), "{bad}");
        }
    }
}
