use super::*;

fn text(name: &str, values: &[&str]) -> ObjectAttribute {
    ObjectAttribute { name: name.into(), values: values.iter().map(|v| Value::Text((*v).into())).collect() }
}

fn settings(attributes: &[ObjectAttribute]) -> Result<DoorSettings, Failure> {
    DoorSettings::of(&"d1".parse().unwrap(), attributes)
}

#[test]
fn networks_hold_the_addresses_that_begin_alike() {
    let holds = |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
    assert!(holds("10.1.0.0/16", "10.1.255.3") && !holds("10.1.0.0/16", "10.2.0.1"));
    assert!(holds("10.1.2.3", "10.1.2.3") && !holds("10.1.2.3", "10.1.2.4"));
    assert!(holds("0.0.0.0/0", "192.0.2.1") && !holds("0.0.0.0/0", "::1"));
    assert!(holds("127.0.0.0/8", "::ffff:127.0.0.1"), "an IPv4 address that came as an IPv6 one");
    assert!(holds("fd00::/8", "fd12::1") && !holds("fd00::/8", "fe80::1") && holds("::/0", "fe80::1"));
    for wrong in ["", "10.1", "10.1.2.3/33", "fd00::/129", "x/8", "10.0.0.0/-1"] {
        assert!(wrong.parse::<Network>().is_err(), "{wrong}");
    }
}

#[test]
fn a_door_to_the_network_says_who_may_come() {
    let lpd = text("door-kind", &["lpd"]);
    let here = settings(&[lpd.clone(), text("door-listen", &["127.0.0.1:515"])]).unwrap();
    assert!(here.admits("127.0.0.9".parse().unwrap()) && !here.admits("10.0.0.1".parse().unwrap()));
    let open = settings(&[lpd.clone(), text("door-listen", &["0.0.0.0:515"])]).unwrap_err();
    assert!(open.hints[0].contains("--allow"), "{open:?}");
    let named = [lpd.clone(), text("door-listen", &["0.0.0.0:515"]), text("door-allow", &["10.0.0.0/8"])];
    let named = settings(&named).unwrap();
    assert!(named.admits("10.0.0.1".parse().unwrap()) && !named.admits("127.0.0.1".parse().unwrap()));
    assert!(!named.trusts("10.0.0.1".parse().unwrap()));
    assert!(settings(&[lpd]).is_err());
}

#[test]
fn what_a_kind_cannot_have_is_refused() {
    let raw = |more: &[ObjectAttribute]| {
        let own = [text("door-kind", &["raw"]), text("door-listen", &["9100"])];
        settings(&[&own, more].concat())
    };
    assert_eq!(raw(&[text("door-destination", &["g.d"])]).unwrap().to[0].destination, "g.d");
    assert!(raw(&[]).is_err());
    assert!(raw(&[text("door-destination", &["x=g.d"])]).is_err());
    assert!(raw(&[text("door-destination", &["a", "b"])]).is_err());
    assert!(raw(&[text("door-destination", &["a"]), text("door-marker", &[".ok"])]).is_err());
    let dir = |path| {
        settings(&[text("door-kind", &["dir"]), text("door-directory", &[path]), text("door-destination", &["a"])])
    };
    assert!(dir("/in").is_ok() && dir("in").is_err());
    assert!("smb".parse::<DoorKind>().is_err());
    let ipp = [text("door-kind", &["ipp"]), text("door-listen", &["631"])];
    assert_eq!(settings(&ipp).unwrap().kind, DoorKind::Ipp);
    assert!(settings(&[&ipp[..], &[text("door-end-mark", &["x"])]].concat()).is_err());
}

#[test]
fn only_what_is_reached_from_the_network_is_announced() {
    let door = |kind: &str, listen: &str| {
        let own = [text("door-kind", &[kind]), text("door-listen", &[listen]), text("door-allow", &["10.0.0.0/8"])];
        settings(&[&own[..], &[ObjectAttribute::of("door-dns-sd", Value::Boolean(true))]].concat())
    };
    assert!(door("ipp", "0.0.0.0:631").unwrap().dns_sd && door("lpd", "10.0.0.1:515").unwrap().dns_sd);
    for listen in ["127.0.0.1:631", "631", "unix:/run/pd/ipp"] {
        assert!(door("ipp", listen).unwrap_err().message.contains("reached"), "{listen}");
    }
}

#[test]
fn a_certificate_is_two_files_or_one_of_its_own_and_only_ipp_has_one() {
    let door = |kind: &str, more: &[ObjectAttribute]| {
        let own = [text("door-kind", &[kind]), text("door-listen", &["6310"])];
        settings(&[&own, more].concat()).map(|settings| settings.certificate)
    };
    let (cert, key) = (text("door-tls-cert", &["/c"]), text("door-tls-key", &["/k"]));
    let own = ObjectAttribute::of("door-tls", Value::Boolean(true));
    let files = DoorCertificate::Files { certificate: "/c".into(), key: "/k".into() };
    assert_eq!(door("ipp", &[cert.clone(), key.clone()]).unwrap(), Some(files.clone()));
    assert_eq!(door("ipp", &[cert.clone(), key.clone(), own.clone()]).unwrap(), Some(files));
    assert_eq!(door("ipp", std::slice::from_ref(&own)).unwrap(), Some(DoorCertificate::Own));
    assert_eq!(door("ipp", &[]).unwrap(), None);
    assert!(door("ipp", &[cert]).is_err() && door("ipp", &[key, own.clone()]).is_err());
    assert!(door("lpd", &[own]).unwrap_err().message.contains("only ipp"));
}

#[test]
fn people_log_on_over_tls_alone_and_a_certificate_names_them_by_one_rule() {
    let door = |more: &[ObjectAttribute]| {
        let own = [text("door-kind", &["ipp"]), text("door-listen", &["6310"])];
        settings(&[&own, more].concat()).map(|settings| settings.log_on)
    };
    let tls = ObjectAttribute::of("door-tls", Value::Boolean(true));
    let pam = ObjectAttribute::of("door-pam", Value::Boolean(true));
    let ca = text("door-client-ca", &["/ca"]);
    assert!(door(std::slice::from_ref(&pam)).unwrap_err().message.contains("over TLS alone"));
    assert!(door(std::slice::from_ref(&ca)).unwrap_err().message.contains("over TLS alone"));
    assert!(door(&[tls.clone(), pam.clone()]).unwrap().is_required());
    let optional = door(&[tls.clone(), pam, text("door-log-on", &["optional"])]).unwrap();
    assert!(optional.is_possible() && !optional.is_required());
    assert!(!door(std::slice::from_ref(&tls)).unwrap().is_required());
    let clients = |more: &[ObjectAttribute]| door(&[&[tls.clone(), ca.clone()], more].concat());
    assert_eq!(clients(&[]).unwrap().clients.unwrap().name, ClientName::CommonName);
    assert_eq!(clients(&[text("door-client-name", &["email"])]).unwrap().clients.unwrap().name, ClientName::Email);
    assert!(clients(&[text("door-client-name", &["uid"])]).is_err());
    assert!(clients(&[text("door-log-on", &["perhaps"])]).is_err());
    assert!(door(&[tls, text("door-client-crl", &["/crl"])]).unwrap_err().hints[0].contains("--client-ca"));
    assert!(!format!("{:?}", DoorLogin("word".into())).contains("word"));
}

#[test]
fn a_socket_of_this_machine_is_for_ipp_alone_and_has_its_whole_path() {
    let door = |kind: &str, places: &[&str]| settings(&[text("door-kind", &[kind]), text("door-listen", places)]);
    assert!(door("ipp", &["unix:/run/pd/ipp", "631"]).is_ok());
    let place: DoorPlace = "unix:/run/pd/ipp".parse().unwrap();
    assert_eq!(place, DoorPlace::Socket("/run/pd/ipp".into()));
    let long = format!("unix:/{}", "x".repeat(MAX_SOCKET));
    for wrong in ["unix:", "unix:run/x", "unix:/", "unix:/run/", "unix:/a\nb", &long] {
        assert!(door("ipp", &[wrong]).is_err(), "{wrong}");
    }
    assert!(door("lpd", &["unix:/run/pd/lpd"]).unwrap_err().message.contains("only ipp"));
}

#[test]
fn end_marks_are_octets() {
    assert_eq!(end_mark("^XZ").unwrap(), b"^XZ");
    assert_eq!(end_mark("\\x04\\e\\r\\n\\\\").unwrap(), b"\x04\x1b\r\n\\");
    for wrong in ["", "\\", "\\q", "\\x4", "\\xzz", "\\x\u{e4}"] {
        assert!(end_mark(wrong).is_err(), "{wrong}");
    }
}
