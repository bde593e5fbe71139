"""The least that a loop file says of a labeling job."""

JOB = {
    "role_arn": "arn:aws:iam::123456789012:role/service-role/ground-truth",
    "workteam_arn": "arn:aws:sagemaker:eu-west-1:123456789012:workteam/private-crowd/desk",
    "ui_template_s3_uri": "s3://loops/wire/template.liquid",
}
