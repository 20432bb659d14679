use super::*;
use crate::client::ServedSpool;
use crate::model::job::{RawPath, Submission};

fn server(dir: &tempfile::TempDir) -> (Server, PathBuf) {
    let base = Base::new(dir.path().join("base"));
    let path = dir.path().join("socket");
    let options = Options { base, name: None, socket: path.clone(), operators: "nobody-is-in-it".into() };
    let hooks = Hooks { log: Arc::new(|_| ()), finished: Arc::new(|_| ()), alive: Arc::new(|| ()) };
    (Server::start(&options, None, hooks).unwrap(), path)
}

#[test]
fn a_descriptor_that_is_neither_file_nor_pipe_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, path) = server(&dir);
    let stream = socket::connect(&path).unwrap();
    let zero: OwnedFd = std::fs::File::open("/dev/zero").unwrap().into();
    let request = Request::Submit { submission: Submission::sample("t", "office.front", 1) };
    let remote = crate::client::Remote::new(stream);
    let reply = { remote }.carry(request, vec![zero]).unwrap();
    let Reply::Failed(failure) = reply else { unreachable!("{reply:?}") };
    assert!(failure.message.contains("is a file or a pipe"), "{failure}");
}

#[test]
fn a_server_writes_to_no_path_that_a_user_names() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, path) = server(&dir);
    let mut spool = ServedSpool::connect(&path).unwrap();
    let elsewhere = dir.path().join("copy");
    let base = dir.path().join("base");
    for to in [elsewhere.clone(), base.join("guardian/../copy"), base.join("spool.db")] {
        let refused = spool.dump(RawPath(to.clone())).unwrap_err();
        assert!(refused.message.contains("no path that it is given"), "{to:?}: {refused}");
        let refused = spool.set_error_log(Some(to.to_str().unwrap().to_owned())).unwrap_err();
        assert!(refused.message.contains("no path that it is given"), "{to:?}: {refused}");
    }
    assert!(!elsewhere.exists());
    spool.set_error_log(Some("$DATA1.SPOOL.ERRLOG".into())).unwrap();
    spool.dump(RawPath(base.join("guardian/data1/spool/copy"))).unwrap();
    assert!(base.join("guardian/data1/spool/copy").exists());
}

#[test]
fn whoever_has_too_many_connections_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let (server, path) = server(&dir);
    let connect = || {
        let mut spool = ServedSpool::connect(&path).unwrap();
        spool.about().map(|_| spool)
    };
    let mut open: Vec<ServedSpool> = (0..LIMITS.of_user).map(|_| connect().unwrap()).collect();
    let refused = connect().map(|_| ()).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Unreachable);
    assert!(refused.message.contains("and that is the most"), "{refused}");
    open.pop();
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while connect().is_err() {
        assert!(std::time::Instant::now() < end, "{} are served", server.connections());
        std::thread::yield_now();
    }
}

#[test]
fn a_spool_has_one_server_and_keeps_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let (first, path) = server(&dir);
    let base = Base::new(dir.path().join("base"));
    let elsewhere = dir.path().join("elsewhere");
    let options = |name: Option<&str>| Options {
        base: base.clone(),
        name: name.map(|name| name.parse().unwrap()),
        socket: elsewhere.clone(),
        operators: String::new(),
    };
    let hooks = || Hooks { log: Arc::new(|_| ()), finished: Arc::new(|_| ()), alive: Arc::new(|| ()) };
    let failure = Server::start(&options(Some("another")), None, hooks()).map(|_| ()).unwrap_err();
    assert!(failure.message.contains("this spool belongs to server"), "{failure}");
    let failure = Server::start(&options(None), None, hooks()).map(|_| ()).unwrap_err();
    assert!(failure.message.starts_with(&format!("another pdserver (process {})", std::process::id())), "{failure}");
    let same_place = Options { socket: path.clone(), ..options(None) };
    let failure = Server::start(&same_place, None, hooks()).map(|_| ()).unwrap_err();
    assert!(failure.message.starts_with("another pdserver listens at"), "{failure}");
    assert!(path.exists() && !elsewhere.exists(), "a server that does not start leaves no socket");
    drop(first);
    assert!(!path.exists());
    Server::start(&options(None), None, hooks()).unwrap();
}

#[test]
fn operators_are_a_group_and_root() {
    let peer = |uid| Peer { pid: 1, uid, gid: uid };
    assert!(caller_of(peer(0), "nobody-is-in-it").operator);
    assert!(!caller_of(peer(47_110), "nobody-is-in-it").operator);
    assert_eq!(caller_of(peer(47_110), "").user, "47110");
    if let Some(group) = users::groups(65_534).first() {
        assert!(caller_of(peer(65_534), group).operator);
    }
}
