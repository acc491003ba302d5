"""Requests signed by AWS Signature V4: as AWS computed them, and as moto verifies them."""

import json
import re
import sys

import pytest
import requests

from framework.errors import SettingsError
from framework.http.auth.signing import AwsSigner, quoted_query
from framework.runtime.redaction import Redactor
from tests.support.open_resource import one_list, opened
from tests.support.servers.web import Answer, each

EXAMPLE_KEYS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
AUTH = {
    "type": "aws_sigv4",
    "access_key_id": "{secrets.id}",
    "secret_access_key": "{secrets.key}",
    "session_token": "{secrets.token}",
    "region": "{config.region}",
    "service": "execute-api",
}
GIVEN = {"id": EXAMPLE_KEYS[0], "key": EXAMPLE_KEYS[1]}


def signed_list(url, auth=AUTH, endpoint=None):
    body = one_list(url, endpoint)
    body["client"]["auth"] = auth
    body["secrets"] = {"id": {}, "key": {}, "token": {"optional": True}}
    body["config"] = {"region": {"type": "string", "default": "us-east-1"}}
    return body


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_a_signature_is_the_one_that_aws_publishes(query, signature):
    """The examples of "Authenticating Requests: Using the Authorization Header" for S3."""
    redactor = Redactor()
    url = f"https://examplebucket.s3.amazonaws.com/?{query}"
    request = requests.Request("GET", url, headers={"X-Amz-Date": "20130524T000000Z"}).prepare()
    AwsSigner(*EXAMPLE_KEYS, "us-east-1", "s3", redactor).sign(request)
    assert request.headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
    )
    assert redactor.found_in(signature)


def test_a_query_is_sent_as_it_is_signed():
    written = "http://a/b?x=a+b&y[]=1:2&empty&bytes=%FF%2B"
    assert quoted_query(written) == "http://a/b?x=a%20b&y%5B%5D=1%3A2&empty=&bytes=%FF%2B"
    plain = "http://a/b?lifecycle&x=a%20b"
    assert quoted_query(plain) == plain


def test_a_request_carries_its_time_and_a_session_token_if_there_is_one(tmp_path, web):
    web.on("/items", [{"id": 1}], method="POST")
    body = signed_list(web.url, endpoint={"method": "POST", "json": {"a": 1}})
    for given in (GIVEN, {**GIVEN, "token": "a-session-token", "region": "eu-west-1"}):
        assert opened(tmp_path, body, given).read("items") == [{"id": 1}]
    first, second = web.asked
    assert re.fullmatch(r"\d{8}T\d{6}Z", first.headers["x-amz-date"])
    assert "x-amz-security-token" not in first.headers
    assert "/us-east-1/execute-api/aws4_request" in first.headers["authorization"]
    assert second.headers["x-amz-security-token"] == "a-session-token"
    assert "/eu-west-1/execute-api/aws4_request" in second.headers["authorization"]
    assert "x-amz-security-token," in second.headers["authorization"]


def test_a_missing_library_is_said_before_any_request(tmp_path, web, monkeypatch):
    monkeypatch.setitem(sys.modules, "requests_aws4auth", None)
    with pytest.raises(SettingsError, match=r"pip install 'rest-connector-framework\[aws\]'"):
        opened(tmp_path, signed_list(web.url), GIVEN)
    # a replay sends nothing, and signs nothing
    opened(tmp_path, signed_list(web.url), {"id": "replayed", "key": "replayed"}, replay=True)


def test_a_header_that_cannot_be_signed_is_said_without_its_value(tmp_path, web):
    endpoint = {"headers": {"X-Amz-Meta": "a 'secret remark"}}
    shop = opened(tmp_path, signed_list(web.url, endpoint=endpoint), GIVEN)
    with pytest.raises(SettingsError, match="has a quotation mark") as caught:
        shop.read("items")
    assert "remark" not in str(caught.value)
    assert web.asked == []


def test_a_retry_and_a_redirect_are_signed_anew(tmp_path, web):
    auth = {
        "type": "hmac",
        "key": "{secrets.key}",
        "message": "{timestamp}{path}?{query}",
        "name": "sign",
        "location": "query",
        "timestamp": {"name": "at", "location": "query", "format": "%H:%M:%S.%f"},
    }
    body = signed_list(web.url, auth, {"params": {"a": 1}})
    moved = Answer(307, headers={"Location": "/moved?b=2"})
    web.on("/items", each(Answer(503), Answer(503), moved))
    web.on("/moved", [{"id": 1}])
    assert opened(tmp_path, body, GIVEN).read("items") == [{"id": 1}]
    signatures = [dict(asked.query)["sign"] for asked in web.asked]
    assert len(set(signatures)) == 4
    # nothing is left of the signature before
    assert [[name for name, _ in asked.query] for asked in web.asked] == [
        *[["a", "at", "sign"]] * 3,
        ["b", "at", "sign"],
    ]
    assert all(dict(asked.query)["at"] for asked in web.asked)


def test_a_request_that_waited_for_its_place_is_signed_anew(tmp_path, web, monkeypatch):
    monkeypatch.setattr("framework.http.retry.FRESH", -1.0)
    signed = []
    monkeypatch.setattr(AwsSigner, "sign", lambda _, request: signed.append(request.url))
    web.on("/items", [{"id": 1}])
    assert opened(tmp_path, signed_list(web.url), GIVEN).read("items") == [{"id": 1}]
    assert signed == [f"{web.url}/items"] * 2


def test_a_redirect_to_another_host_is_not_signed(tmp_path, web):
    there = f"http://localhost:{web.port}/elsewhere"
    web.on("/items", Answer(307, headers={"Location": there}))
    web.on("/elsewhere", each(Answer(503), [{"id": 1}]))
    assert opened(tmp_path, signed_list(web.url), GIVEN).read("items") == [{"id": 1}]
    assert "authorization" in web.asked[0].headers
    assert all("authorization" not in asked.headers for asked in web.asked[1:])
    assert len(web.asked) == 3


@pytest.fixture(scope="module")
def aws():
    """moto's server, which verifies signatures with AWS's own library; keys of a user in it."""
    pytest.importorskip("moto")
    boto3 = pytest.importorskip("boto3")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-west-1"}

    def client(name):
        return boto3.client(name, endpoint_url=url, **keys)

    iam, s3, tables = client("iam"), client("s3"), client("dynamodb")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": everything})
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=policy)
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    place = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="shop", CreateBucketConfiguration=place)
    for number in range(3):
        s3.put_object(Bucket="shop", Key=f"a b/ü[1]:+&{number}", Body=b"1")
    tables.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(5):
        tables.put_item(TableName="items", Item={"id": {"S": str(number)}})
    requests.post(f"{url}/moto-api/reset-auth", data=b"0", timeout=30)
    yield url, {"id": made["AccessKeyId"], "key": made["SecretAccessKey"], "region": "eu-west-1"}
    server.stop()


@pytest.mark.slow
def test_moto_accepts_a_signed_list_of_s3(tmp_path, aws):
    url, given = aws
    auth = {**AUTH, "service": "s3"}
    endpoint = {
        "path": "/shop",
        "params": {"list-type": 2, "max-keys": 2, "prefix": "a b/ü[1]:+&"},
        "response_format": "xml",
        "data_selector": "ListBucketResult.Contents",
        "paginator": {
            "type": "cursor",
            "cursor_param": "continuation-token",
            "cursor_path": "ListBucketResult.NextContinuationToken",
        },
    }
    body = signed_list(url, auth, endpoint)
    found = [one["Key"] for one in opened(tmp_path, body, given).read("items")]
    assert found == [f"a b/ü[1]:+&{number}" for number in range(3)]
    with pytest.raises(Exception, match="403"):
        opened(tmp_path, body, {**given, "key": "another-secret-key"}).read("items")


@pytest.mark.slow
def test_moto_accepts_a_signed_scan_of_dynamodb(tmp_path, aws):
    url, given = aws
    auth = {**AUTH, "service": "dynamodb"}
    endpoint = {
        "path": "/",
        "method": "POST",
        "headers": {
            "X-Amz-Target": "DynamoDB_20120810.Scan",
            "Content-Type": "application/x-amz-json-1.0",
        },
        "json": {"TableName": "items", "Limit": 2},
        "data_selector": "Items",
        "paginator": {
            "type": "cursor",
            "cursor_body_path": "ExclusiveStartKey",
            "cursor_path": "LastEvaluatedKey",
        },
    }
    records = opened(tmp_path, signed_list(url, auth, endpoint), given).read("items")
    assert sorted(one["id"]["S"] for one in records) == ["0", "1", "2", "3", "4"]
