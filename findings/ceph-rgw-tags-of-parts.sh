#!/bin/bash
# Ceph's RADOS Gateway loses the tags of an object that is uploaded in parts.
#
# Seen with radosgw 16.2.15 of Debian 12: x-amz-tagging of a PUT is kept, and GET ?tagging gives the tags.  The same header
# of CreateMultipartUpload, where S3 has the tags of such objects, is answered with 200, and the finished object has none:
# GET ?tagging answers with an empty body, not with an empty TagSet, and HEAD says x-amz-tagging-count: 0.  The header's text is in the
# object's attributes, where tags of other objects are encoded.  So rules of a lifecycle that go by tags leave out
# every large object.  PUT ?tagging after the upload works.
#
# Needs Debian 12; installs the packages in a temporary folder.
# Output seen:  one piece: <Key>kind</Key><Value>old</Value>; parts: nothing; parts, tagged later: <Key>kind</Key><Value>old</Value>
. "$(dirname "$0")/lib/ceph.sh"
tag='<Key>kind</Key><Value>old</Value>'
expected="one piece: $tag; parts: nothing; parts, tagged later: $tag"

read -r key secret < <("$store/rgw.sh" start "$work/gateway1" 27480)
url=http://127.0.0.1:27480/bucket
ask() {
	"$store/request.pl" "$key" "$secret" "$@"
}
tags() {
	ask GET "$url/$1?tagging=" | grep -o '<Key>.*</Value>' || echo nothing
}

ask PUT "$url"
X_AMZ_TAGGING=kind=old ask PUT "$url/piece" text
upload=$(X_AMZ_TAGGING=kind=old ask POST "$url/parts?uploads=" | sed 's/.*<UploadId>//; s/<.*//')
ask PUT "$url/parts?partNumber=1&uploadId=$upload" text
etag=$(printf text | md5sum | cut -d ' ' -f 1)
ask POST "$url/parts?uploadId=$upload" "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"$etag\"</ETag></Part></CompleteMultipartUpload>" >"$work/done"
seen="one piece: $(tags piece); parts: $(tags parts)"
ask PUT "$url/parts?tagging=" "<Tagging><TagSet><Tag>$tag</Tag></TagSet></Tagging>"
report "Ceph RADOS Gateway, tags of objects" "$seen; parts, tagged later: $(tags parts)" "$expected"
