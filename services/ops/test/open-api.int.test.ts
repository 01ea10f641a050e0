import { openApiRules } from '../../../test/support/open-api-rules.ts'

openApiRules('ops')
