//! Prices.

use dify_plugin_protocol::app::decimal::Decimal;

#[test]
fn texts_and_numbers_serialize_as_they_were_read() {
    // The last two need every digit read: serde_json by itself may take such a number for its neighbour.
    for json in
        [r#""0.0010330""#, r#""7.5E-7""#, "0.0013", "1", "-3", "1.4814814681481399", "10.246913488024635"]
    {
        let decimal: Decimal = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&decimal).unwrap(), json);
    }
    assert_eq!(Decimal::new("7.5E-7").to_f64(), Some(7.5e-7));
    assert_eq!(Decimal::new("free").to_f64(), None);
    assert!(serde_json::from_str::<Decimal>("true").is_err());
}
